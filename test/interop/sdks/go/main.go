// The client of the Go SDK, led by a test. Each line of the input is one call of the SDK's own API, with the SDK's own types as
// arguments; each line of the output is what a call came to, or what a client, a job or a watch was given.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"

	arcp "github.com/agentruntimecontrolprotocol/go-sdk"
	"github.com/agentruntimecontrolprotocol/go-sdk/client"
)

// call is one line of the input.
type call struct {
	N int `json:"n"`
	// Do is the name of one of calls.
	Do string `json:"do"`
	// On names what the call is made on: a client, a job or a watch.
	On string `json:"on"`
	// As names what the call makes.
	As   string          `json:"as"`
	Args json.RawMessage `json:"args"`
}

// into reads the arguments as a type of the SDK; without any it stays as it is.
func (c call) into(args any) error {
	if len(c.Args) == 0 {
		return nil
	}
	return json.Unmarshal(c.Args, args)
}

// driver has what the calls have made, by the names that the test gave them.
type driver struct {
	mu      sync.Mutex
	out     *json.Encoder
	clients map[string]*client.Client
	jobs    map[string]*client.JobHandle
	watches map[string]*client.Subscription
}

type line map[string]any

func main() {
	d := &driver{
		out:     json.NewEncoder(os.Stdout),
		clients: map[string]*client.Client{},
		jobs:    map[string]*client.JobHandle{},
		watches: map[string]*client.Subscription{},
	}
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<24)
	for input.Scan() {
		var c call
		if err := json.Unmarshal(input.Bytes(), &c); err != nil {
			fmt.Fprintln(os.Stderr, "not a call:", err)
			os.Exit(2)
		}
		go d.serve(c)
	}
}

func (d *driver) serve(c call) {
	do, found := calls[c.Do]
	if !found {
		d.say(line{"n": c.N, "error": line{"other": "there is no call " + c.Do}})
		return
	}
	value, err := do(d, context.Background(), c)
	if err != nil {
		d.say(line{"n": c.N, "error": told(err)})
		return
	}
	d.say(line{"n": c.N, "value": value})
}

// say writes one line of the output.
func (d *driver) say(l line) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.out.Encode(l); err != nil {
		fmt.Fprintln(os.Stderr, "a line that is no JSON:", err)
		os.Exit(2)
	}
}

// told is an error as the SDK gave it: one of the protocol's, or another's text.
func told(err error) any {
	var e *arcp.Error
	if errors.As(err, &e) {
		return e
	}
	return line{"other": err.Error()}
}

// named finds what a call is made on.
func named[T any](d *driver, all map[string]T, name string) (T, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	one, found := all[name]
	if !found {
		return one, fmt.Errorf("nothing is called %q", name)
	}
	return one, nil
}

func keep[T any](d *driver, all map[string]T, name string, one T) {
	d.mu.Lock()
	defer d.mu.Unlock()
	all[name] = one
}
