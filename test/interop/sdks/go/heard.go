package main

import (
	"context"

	arcp "github.com/agentruntimecontrolprotocol/go-sdk"
	"github.com/agentruntimecontrolprotocol/go-sdk/transport"
)

// heard is the SDK's own transport, and tells what the client says and what it is given: a client that has come back has no handle
// for a job of before, so only here can be seen what it was given again.
type heard struct {
	transport.Transport
	driver *driver
	name   string
}

func (h *heard) Send(ctx context.Context, envelope arcp.Envelope) error {
	err := h.Transport.Send(ctx, envelope)
	if err == nil {
		h.driver.say(line{"of": h.name, "sent": envelope})
	}
	return err
}

func (h *heard) Recv(ctx context.Context) (arcp.Envelope, error) {
	envelope, err := h.Transport.Recv(ctx)
	if err != nil {
		h.driver.say(line{"of": h.name, "lost": err.Error()})
		return envelope, err
	}
	h.driver.say(line{"of": h.name, "frame": envelope})
	return envelope, nil
}
