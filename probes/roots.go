package probes

import (
	"crypto/x509"
	"os"
	"runtime"
	"sync"
	"time"
)

// rootsAge is how often the system's CAs are looked at for a change.
const rootsAge = time.Minute

// rootFiles are where Linux distributions and BSDs keep the system's CAs in one
// file; the first that exists is it.
var rootFiles = [...]string{
	"/etc/ssl/certs/ca-certificates.crt", // Debian, Arch, Gentoo
	"/etc/pki/tls/certs/ca-bundle.crt",   // Fedora
	"/etc/ssl/ca-bundle.pem",             // openSUSE
	"/etc/ssl/cert.pem",                  // Alpine, BSDs
}

// systemRoots are the system's CAs. Package x509 reads them once in a process;
// an engine runs for months, in which CAs come and go, and a site that moved to
// a new one must not be down for us alone.
type systemRoots struct {
	files []string

	mu     sync.Mutex
	looked time.Time // when the file was last looked at
	stamp  fileStamp // what it was then
	pool   *x509.CertPool
}

// get returns the CAs as the file has them now; nil, for those of package
// x509, as long as it has not changed or where there is none.
func (r *systemRoots) get(now time.Time) *x509.CertPool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.looked.IsZero() && now.Sub(r.looked) < rootsAge {
		return r.pool
	}
	first := r.looked.IsZero()
	r.looked = now
	for _, file := range r.files {
		stamp := stampOf(file)
		if stamp == (fileStamp{}) {
			continue
		}
		if stamp == r.stamp {
			break
		}
		r.stamp = stamp
		if first {
			break
		}
		pem, err := os.ReadFile(file)
		pool := x509.NewCertPool()
		if err == nil && pool.AppendCertsFromPEM(pem) { // one that is just being written is read when it is done
			r.pool = pool
		}
		break
	}
	return r.pool
}

// systemRootFiles are the files of this machine, none where package x509 takes
// its CAs from elsewhere.
func systemRootFiles() []string {
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" || os.Getenv("SSL_CERT_FILE") != "" || os.Getenv("SSL_CERT_DIR") != "" {
		return nil
	}
	return rootFiles[:]
}
