package main

import (
	"context"

	"github.com/agentruntimecontrolprotocol/go-sdk/client"
	"github.com/agentruntimecontrolprotocol/go-sdk/messages"
	"github.com/agentruntimecontrolprotocol/go-sdk/transport"
)

// calls are what a test may ask for: one call of the SDK's API each.
var calls = map[string]func(*driver, context.Context, call) (any, error){
	"connect":     connect,
	"close":       closeClient,
	"highest_seq": highestSeq,
	"ack":         ack,
	"list":        list,
	"submit":      submit,
	"cancel":      cancel,
	"subscribe":   subscribe,
	"unsubscribe": unsubscribe,
}

func connect(d *driver, ctx context.Context, c call) (any, error) {
	args := struct {
		URL     string
		Options client.Options
	}{}
	if err := c.into(&args); err != nil {
		return nil, err
	}
	dialed, err := transport.DialWebSocket(ctx, args.URL, transport.WebSocketOptions{})
	if err != nil {
		return nil, err
	}
	connected, err := client.Connect(ctx, &heard{Transport: dialed, driver: d, name: c.As}, args.Options)
	if err != nil {
		return nil, err
	}
	keep(d, d.clients, c.As, connected)
	return line{"session_id": connected.SessionID(), "features": connected.Features(), "welcome": connected.Welcome()}, nil
}

func closeClient(d *driver, ctx context.Context, c call) (any, error) {
	one, err := named(d, d.clients, c.On)
	if err != nil {
		return nil, err
	}
	return nil, one.Close(ctx)
}

func highestSeq(d *driver, _ context.Context, c call) (any, error) {
	one, err := named(d, d.clients, c.On)
	if err != nil {
		return nil, err
	}
	return one.HighestSeq(), nil
}

func ack(d *driver, ctx context.Context, c call) (any, error) {
	var seq uint64
	one, err := named(d, d.clients, c.On)
	if err != nil {
		return nil, err
	}
	if err := c.into(&seq); err != nil {
		return nil, err
	}
	return nil, one.Ack(ctx, seq)
}

func list(d *driver, ctx context.Context, c call) (any, error) {
	var request client.ListJobsRequest
	one, err := named(d, d.clients, c.On)
	if err != nil {
		return nil, err
	}
	if err := c.into(&request); err != nil {
		return nil, err
	}
	return one.ListJobs(ctx, request)
}

func submit(d *driver, ctx context.Context, c call) (any, error) {
	args := struct {
		client.SubmitRequest
		// Collect asks for the streamed result in one piece, instead of the events.
		Collect bool
	}{}
	one, err := named(d, d.clients, c.On)
	if err != nil {
		return nil, err
	}
	if err := c.into(&args); err != nil {
		return nil, err
	}
	job, err := one.Submit(ctx, args.SubmitRequest)
	if err != nil {
		return nil, err
	}
	keep(d, d.jobs, c.As, job)
	if args.Collect {
		go d.collect(ctx, c.As, job)
	} else {
		go d.follow(ctx, c.As, job)
	}
	return job.Accepted(), nil
}

// follow tells a job's events as they come, and its end.
func (d *driver) follow(ctx context.Context, name string, job *client.JobHandle) {
	d.events(name, job.Events())
	d.end(ctx, name, job)
}

// collect tells a job's streamed result, and its end.
func (d *driver) collect(ctx context.Context, name string, job *client.JobHandle) {
	bytes, err := job.CollectChunks(ctx)
	if err != nil {
		d.say(line{"of": name, "collected": nil, "error": told(err)})
	} else {
		d.say(line{"of": name, "collected": string(bytes)})
	}
	d.end(ctx, name, job)
}

func (d *driver) end(ctx context.Context, name string, job *client.JobHandle) {
	result, err := job.Wait(ctx)
	if err != nil {
		d.say(line{"of": name, "ended": "error", "error": told(err)})
		return
	}
	d.say(line{"of": name, "ended": "result", "result": result})
}

// events tells each event as the SDK decodes it.
func (d *driver) events(name string, events <-chan messages.JobEvent) {
	for event := range events {
		body, err := messages.DecodeEventBody(&event)
		if err != nil {
			d.say(line{"of": name, "kind": event.Kind, "unread": err.Error()})
			continue
		}
		d.say(line{"of": name, "kind": event.Kind, "ts": event.TS, "body": body})
	}
}

func cancel(d *driver, ctx context.Context, c call) (any, error) {
	job, err := named(d, d.jobs, c.On)
	if err != nil {
		return nil, err
	}
	return nil, job.Cancel(ctx, "enough")
}

func subscribe(d *driver, ctx context.Context, c call) (any, error) {
	args := struct {
		JobID   string
		Options client.SubscribeOptions
	}{}
	one, err := named(d, d.clients, c.On)
	if err != nil {
		return nil, err
	}
	if err := c.into(&args); err != nil {
		return nil, err
	}
	watch, err := one.Subscribe(ctx, args.JobID, args.Options)
	if err != nil {
		return nil, err
	}
	keep(d, d.watches, c.As, watch)
	go d.watch(c.As, watch)
	return line{
		"status": watch.CurrentStatus(), "agent": watch.Agent(), "lease": watch.Lease(), "trace": watch.TraceID(),
		"parent": watch.ParentJobID(), "from": watch.SubscribedFrom(), "replayed": watch.Replayed(),
	}, nil
}

// watch tells the events of a watched job, and how the watch ended.
func (d *driver) watch(name string, watch *client.Subscription) {
	d.events(name, watch.Events())
	if err := watch.Err(); err != nil {
		d.say(line{"of": name, "ended": "error", "error": told(err)})
		return
	}
	d.say(line{"of": name, "ended": "well"})
}

func unsubscribe(d *driver, ctx context.Context, c call) (any, error) {
	watch, err := named(d, d.watches, c.On)
	if err != nil {
		return nil, err
	}
	return nil, watch.Close(ctx)
}
