package engine

import (
	"context"
	"time"

	"lookout/engine/uptime"
)

// Look has monitors checked now, out of turn: whether what one of them fails by
// is what they share. Names that are not watched, or paused, are passed over.
// It returns once the checks are under way.
func (e *Engine) Look(ctx context.Context, names []string) error {
	return e.do(ctx, func(now time.Time) {
		for _, name := range names {
			if m := e.byName[name]; m != nil && m.judged == nil {
				e.recheck(m, uptime.Action{}, now)
			}
		}
	})
}
