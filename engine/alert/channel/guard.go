package channel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"lookout/engine/uptime"
)

const (
	defaultTimeout = 30 * time.Second
	maxReply       = 300  // bytes of a reply
	maxLine        = 1000 // … of a line of the conversation
	maxLines       = 500  // of a conversation
	maxTarget      = 200
	maxWrong       = 400 // bytes of what is wrong with a setting
)

// timeoutKey belongs to every type that has keys.
var timeoutKey = uptime.Key{
	Name: "timeout", Kind: uptime.Duration, Doc: "of one try; default 30s", Example: `"30s"`,
	Min: int64(time.Second), Max: int64(10 * time.Minute),
}

// hiding is what a channel may say: secrets that it made of its settings, and
// which are in no setting as they are.
type hiding interface {
	hidden() []uptime.Secret
}

// guarded is a type whose channels stand behind a guard.
func guarded(ct uptime.ChannelType) uptime.ChannelType {
	inner := ct.New
	if len(ct.Keys) > 0 {
		ct.Keys = append(slices.Clip(ct.Keys), timeoutKey)
	}
	ct.New = func(s uptime.ChannelSettings) (uptime.Channel, []uptime.Mistake) {
		c, mistakes := inner(s)
		var more []uptime.Secret
		if h, ok := c.(hiding); ok {
			more = h.hidden()
		}
		g := &guard{inner: c, veil: veilOver(s.Values, more), timeout: uptime.Value(s.Values, "timeout", defaultTimeout)}
		for i := range mistakes {
			m := &mistakes[i]
			m.Message, m.Hint = g.veil.line(m.Message, maxWrong), g.veil.line(m.Hint, maxWrong)
		}
		if c == nil {
			return nil, mistakes
		}
		g.target = g.veil.line(c.Target(), maxTarget)
		return g, mistakes
	}
	return ct
}

// guard stands around a channel: see the package comment.
type guard struct {
	inner   uptime.Channel
	veil    veil
	timeout time.Duration
	target  string
}

// Target is whom the channel tells.
func (g *guard) Target() string { return g.target }

// Timeout is how long a try may take.
func (g *guard) Timeout() time.Duration { return g.timeout }

// String and GoString keep the secrets of a channel from whoever prints it.
func (g *guard) String() string { return "channel to " + g.target }

// GoString is String.
func (g *guard) GoString() string { return g.String() }

// Send has the channel send a letter. Its error is always a *uptime.Refusal.
func (g *guard) Send(ctx context.Context, l *uptime.Letter, say func(line string)) (uptime.Receipt, error) {
	if ctx.Err() != nil {
		return uptime.Receipt{}, &uptime.Refusal{Reply: "not tried: there was no time left"}
	}
	ctx, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	t := &talk{veil: g.veil, say: say}
	defer t.end()
	r, err := g.send(ctx, washed(l), t.line)
	if err == nil {
		r.Reply, r.Why = g.veil.line(r.Reply, maxReply), g.veil.line(r.Why, maxReply)
		return r, nil
	}
	refusal := &uptime.Refusal{Reply: err.Error(), Uncertain: true} // what is not known to be refused may have been taken
	if known := (*uptime.Refusal)(nil); errors.As(err, &known) {
		*refusal = *known
	}
	if refusal.Reply = g.veil.line(refusal.Reply, maxReply); refusal.Reply == "" {
		refusal.Reply = "refused without a reason"
	}
	return uptime.Receipt{}, refusal
}

// send makes a panic a refusal of the letter: a letter that a library stumbles
// over is not to end the engine.
func (g *guard) send(ctx context.Context, l *uptime.Letter, say func(string)) (r uptime.Receipt, err error) {
	defer func() {
		if p := recover(); p != nil {
			r, err = uptime.Receipt{}, &uptime.Refusal{
				Reply: fmt.Sprintf("a bug in lookout: the channel panicked: %v", p), Permanent: true, Letter: true, Uncertain: true,
			}
		}
	}()
	return g.inner.Send(ctx, l, say)
}

// talk hands on the lines of a conversation. Libraries may write them from
// goroutines of their own, and after the end.
type talk struct {
	veil veil

	mu    sync.Mutex
	say   func(string) // nil: nobody listens, or the talk is over
	lines int
}

func (t *talk) line(s string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.say == nil || t.lines > maxLines {
		return
	}
	if t.lines++; t.lines > maxLines {
		s = "… and more"
	}
	t.say(t.veil.line(s, maxLine))
}

func (t *talk) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.say = nil
}
