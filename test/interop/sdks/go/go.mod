module arcp-xstate.example/driver

go 1.25.0

// go.test.ts says where it is.
require github.com/agentruntimecontrolprotocol/go-sdk v0.0.0
