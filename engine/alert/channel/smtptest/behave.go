package smtptest

import (
	"math/rand/v2"
	"sync"
)

// At answers so at one stage, and well at all others.
func At(stage Stage, a Answer) Behaviour {
	return func(c Command) Answer {
		if c.Stage == stage {
			return a
		}
		return Answer{}
	}
}

// Refuse refuses one recipient.
func Refuse(recipient, reply string) Behaviour {
	return func(c Command) Answer {
		if c.Stage == Rcpt && c.Arg == recipient {
			return Answer{Reply: reply}
		}
		return Answer{}
	}
}

// Greylist refuses every pair of sender and recipient the first time that it is seen.
func Greylist() Behaviour {
	var mu sync.Mutex
	seen := map[string]bool{}
	return func(c Command) Answer {
		if c.Stage != Rcpt {
			return Answer{}
		}
		mu.Lock()
		defer mu.Unlock()
		pair := c.Mail.From + " " + c.Arg
		if seen[pair] {
			return Answer{}
		}
		seen[pair] = true
		return Answer{Reply: "451 4.7.1 greylisted, come back later"}
	}
}

// Flaky refuses a share of the mails for now: half of those at the dot, where a
// client has sent all of it, the others at the recipient.
func Flaky(share float64, seed uint64) Behaviour {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, seed))
	return func(c Command) Answer {
		if c.Stage != Rcpt && c.Stage != End {
			return Answer{}
		}
		mu.Lock()
		defer mu.Unlock()
		if random.Float64() < share/2 {
			return Answer{Reply: "451 4.3.0 try again later"}
		}
		return Answer{}
	}
}
