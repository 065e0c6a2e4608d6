package cli

import (
	"context"
	"time"

	"lookout/engine/config"
)

// The first pause before probes are told again what the store had no numbers for, doubled up to the longest.
const (
	insistFirst = time.Second
	insistMost  = 30 * time.Second
)

// assign tells the probes what a configuration has for them. Where that fails, a
// disk that is full say, insist tries again, with the newest that was asked for.
func (r *remotes) assign(cfg *config.Config) error {
	r.telling.Lock()
	defer r.telling.Unlock()
	err := r.tell(cfg)
	if r.untold = cfg; err == nil {
		r.untold = nil
		return nil
	}
	r.dispatch.Unassigned(err.Error())
	select {
	case r.failed <- struct{}{}:
	default:
	}
	return err
}

// again tries once more what failed, and reports whether there is nothing left to try.
func (r *remotes) again() bool {
	r.telling.Lock()
	defer r.telling.Unlock()
	if r.untold == nil {
		return true
	}
	if err := r.tell(r.untold); err != nil {
		r.dispatch.Unassigned(err.Error())
		return false
	}
	r.untold = nil
	r.log.Info("the probes are told what to check after all")
	return true
}

// insist tells the probes what they could not be told, until ctx ends.
func (r *remotes) insist(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.failed:
		}
		for wait := insistFirst; ; wait = min(2*wait, insistMost) {
			t := time.NewTimer(wait)
			select {
			case <-ctx.Done():
				t.Stop()
				return
			case <-t.C:
			}
			if r.again() {
				break
			}
		}
	}
}
