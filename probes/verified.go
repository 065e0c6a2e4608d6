package probes

import (
	"crypto/sha256"
	"crypto/x509"
	"sync"
	"time"
)

// maxVerified is how many good chains are remembered. An entry takes some 200
// bytes; when there are too many all are forgotten, and verified again.
const maxVerified = 1 << 18

// verified remembers which chains were found good, so that a check whose
// server shows the same certificates as a minute ago verifies no signature of
// a CA's again: each costs as much as the server's own. What is remembered is
// for the same bytes, the same name, the same roots, and as long as every
// certificate on the path is valid. What was bad is looked at anew each time.
type verified struct {
	mu    sync.Mutex
	paths map[chainKey]verifiedPath // by a hash of the chain
}

type chainKey struct {
	chain [sha256.Size]byte // of what the server showed, and of the name
	roots *x509.CertPool
}

// verifiedPath is how a leaf leads to a trusted root, and when.
type verifiedPath struct {
	cas         []*x509.Certificate // above the leaf; they are shared, as CAs are
	from, until time.Time
}

// keyOf is the hash of all that a verdict on a chain depends on but the time.
func keyOf(shown []*x509.Certificate, name string, roots *x509.CertPool) chainKey {
	h := sha256.New()
	var size [4]byte
	write := func(b []byte) {
		for i := range size {
			size[i] = byte(len(b) >> (8 * i))
		}
		h.Write(size[:])
		h.Write(b)
	}
	write([]byte(name))
	for _, c := range shown {
		write(c.Raw)
	}
	k := chainKey{roots: roots}
	h.Sum(k.chain[:0])
	return k
}

// get returns the CAs above a leaf that was found good.
func (v *verified) get(k chainKey, now time.Time) (cas []*x509.Certificate, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	p, ok := v.paths[k]
	return p.cas, ok && !now.Before(p.from) && !now.After(p.until)
}

// put remembers a good path.
func (v *verified) put(k chainKey, path []*x509.Certificate) {
	p := verifiedPath{from: path[0].NotBefore, until: firstEnd(path).NotAfter}
	for _, c := range path[1:] {
		if c.NotBefore.After(p.from) {
			p.from = c.NotBefore
		}
		p.cas = append(p.cas, c) // the leaf, which is all of the memory, must not be kept
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.paths == nil || len(v.paths) >= maxVerified {
		v.paths = map[chainKey]verifiedPath{}
	}
	v.paths[k] = p
}

// inspect is the function of that name, for who remembers.
func (v *verified) inspect(chain []*x509.Certificate, name string, roots *x509.CertPool, now time.Time) *inspection {
	chain = chain[:min(len(chain), maxChain)]
	k := keyOf(chain, name, roots)
	if cas, ok := v.get(k, now); ok {
		return &inspection{shown: chain, name: shown(name), roots: roots, now: now, path: append([]*x509.Certificate{chain[0]}, cas...)}
	}
	in := inspect(chain, name, roots, now)
	if len(in.problems) == 0 {
		v.put(k, in.path)
	}
	return in
}

// caPools are the CAs of the ca_files in use: what many monitors name is held
// once, for as long as the process runs.
type caPools struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte]*x509.CertPool // by the file's content
}

// of returns the CAs of a file in PEM, nil where it has none.
func (p *caPools) of(pem []byte) *x509.CertPool {
	sum := sha256.Sum256(pem)
	p.mu.Lock()
	defer p.mu.Unlock()
	pool := p.known[sum]
	if pool == nil {
		pool = x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil
		}
		if p.known == nil {
			p.known = map[[sha256.Size]byte]*x509.CertPool{}
		}
		p.known[sum] = pool
	}
	return pool
}
