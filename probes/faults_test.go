package probes

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"lookout/engine/uptime"
	"lookout/probes/probetest"
)

// produced is one way to a fault class, and what its sentence has to contain.
type produced struct {
	fault uptime.Fault
	says  string
	run   func(*testing.T) uptime.Result
}

// notYet are the classes of the groups in use that no check reports yet.
var notYet = map[uptime.Fault]string{
	uptime.FaultLocalNodeOffline:  "the engine's to say",
	uptime.FaultLocalStalled:      "the engine's to say",
	uptime.FaultLocalClockJump:    "the engine's to say",
	uptime.FaultLocalOverload:     "the engine's to say",
	uptime.FaultTLSRenewalOverdue: "needs the history of a certificate",
}

// TestFaults makes every class that the checks report, and keeps the list of
// those that they don't.
func TestFaults(t *testing.T) {
	covered := map[uptime.Fault]bool{}
	for _, list := range [][]produced{
		localFaultCases,
		dnsFaults,
		nameFaults,
		tcpFaults,
		tlsFaults,
		revocationFaults,
		helloFaults,
		httpFaults,
		httpBodyFaults,
		proxyFaults,
		websocketFaults,
		grpcFaults,
		replyFaults,
		icmpFaults,
		udpFaults,
		ntpFaults,
		sshFaults,
		redisFaults,
		mysqlFaults,
		execFaults,
		domainFaults,
		serviceFaults,
		smtpFaults,
		imapFaults,
		pop3Faults,
		ftpFaults,
		xmppFaults,
		postgresFaults,
		ldapFaults,
		slowFaults,
	} {
		for _, p := range list {
			covered[p.fault] = true
			t.Run(p.fault.String(), func(t *testing.T) {
				t.Parallel()
				r := p.run(t)
				for range 3 { // the time-out of half a second was up before a busy machine came to it
					if !strings.Contains(r.Fault.String(), "timeout") || strings.Contains(p.fault.String(), "timeout") {
						break
					}
					r = p.run(t)
				}
				if r.Fault != p.fault || r.Outcome != p.fault.Outcome() || !strings.Contains(r.Message, p.says) {
					t.Errorf("%s, %q: %s\nwant %q: … %s …\n%+v", r.Outcome, r.Fault, r.Message, p.fault, p.says, r.Steps)
				}
				if last := len(r.Steps) - 1; r.Outcome == uptime.OutcomeDown && last >= 0 && r.Steps[last].Error == "" {
					t.Errorf("down, and its last step does not say why: %+v", r.Steps)
				}
			})
		}
	}
	total := 0
	for f := uptime.Fault(1); f < 2000; f++ {
		group, _, _ := strings.Cut(f.String(), ".")
		switch group {
		case "local", "dns", "tcp", "tls", "http", "reply", "proxy", "icmp", "exec", "domain":
		default:
			continue
		}
		total++
		if _, excused := notYet[f]; excused == covered[f] {
			t.Errorf("%s: produced %t, on the list of those that are not %t", f, covered[f], excused)
		}
	}
	t.Logf("%d of %d classes produced, %d not reported yet", len(covered), total, len(notYet))
}

// ended is a failure as a result, where the system's errors cannot be had for real.
func ended(f *failure) uptime.Result { return newTrace().end(f) }

var there = netip.MustParseAddrPort("127.0.0.1:9")

func refusedBy(errno syscall.Errno) func(*testing.T) uptime.Result {
	return func(*testing.T) uptime.Result {
		return ended((*via)(nil).connectFailure(there, os.NewSyscallError("connect", errno), 0))
	}
}

var localFaultCases = []produced{
	{uptime.FaultLocalFDLimit, "raise its limit", func(t *testing.T) uptime.Result {
		child := exec.Command(os.Args[0], "-test.run=^TestFDLimitChild$")
		child.Env = append(os.Environ(), "LOOKOUT_FD_LIMIT_CHILD=1")
		out, _ := child.CombinedOutput()
		text, _ := strings.CutPrefix(string(out), "RESULT ")
		text, _, _ = strings.Cut(text, "\n")
		word, message, _ := strings.Cut(text, " ")
		f, err := uptime.ParseFault(word)
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return uptime.Result{Fault: f, Outcome: f.Outcome(), Message: message}
	}},
	{uptime.FaultLocalFDLimit, "fs.file-max", refusedBy(syscall.ENFILE)},
	{uptime.FaultLocalPortExhausted, "no local port left", refusedBy(syscall.EADDRNOTAVAIL)},
	{uptime.FaultLocalNoMemory, "no memory", refusedBy(syscall.ENOMEM)},
	{uptime.FaultLocalNoMemory, "no buffers", refusedBy(syscall.ENOBUFS)},
	{uptime.FaultLocalBlocked, "prohibit route", func(*testing.T) uptime.Result { // to where our own table has no way either
		return ended((*via)(nil).connectFailure(netip.MustParseAddrPort("[fe80::1]:9"), syscall.EACCES, 0))
	}},
	{uptime.FaultTCPHostUnreachable, "refuses the way to it (EACCES)", refusedBy(syscall.EACCES)},
	{uptime.FaultLocalBlocked, "firewall rule", refusedBy(syscall.EPERM)},
	{uptime.FaultLocalBlocked, "blackhole route", refusedBy(syscall.EINVAL)},
	{uptime.FaultLocalNoRoute, "no route", func(*testing.T) uptime.Result {
		// A link-local address without its link cannot be routed by anybody.
		return ended((*via)(nil).connectFailure(netip.MustParseAddrPort("[fe80::1]:9"), syscall.ENETUNREACH, 0))
	}},
	{uptime.FaultLocalPermission, "ping_group_range", func(*testing.T) uptime.Result {
		return ended((*via)(nil).pingFailure(there.Addr(), errNoPing))
	}},
	{uptime.FaultLocalConfig, "packet_size", func(*testing.T) uptime.Result {
		return ended((*via)(nil).pingFailure(there.Addr(), syscall.EMSGSIZE))
	}},
	{uptime.FaultLocalResolverDown, "nothing listens at the resolver 127.0.0.1:", func(t *testing.T) uptime.Result {
		return once(t, made(t, asking(probetest.Closed(t)), "tcp", "tcp://shop.test:1", nil, nil))
	}},
	{uptime.FaultLocalCancelled, "cancelled after", func(t *testing.T) uptime.Result {
		ctx, cancel := context.WithCancel(t.Context())
		to := probetest.Serve(t, func(c net.Conn) { cancel(); c.Read(make([]byte, 1)) })
		return new(Runner).Run(ctx, made(t, testSystem(), "tcp", "tcp://"+to, nil, keys{"banner": "x"}))
	}},
	{uptime.FaultLocalBug, "a bug in lookout: the tcp check panicked: oops", func(t *testing.T) uptime.Result {
		job := made(t, testSystem(), "tcp", "tcp://127.0.0.1:1", nil, nil)
		job.Checker = checker(func(context.Context) uptime.Result { panic("oops") })
		return once(t, job)
	}},
}

// TestFDLimitChild runs in a process of its own, without a descriptor to spare.
func TestFDLimitChild(t *testing.T) {
	if os.Getenv("LOOKOUT_FD_LIMIT_CHILD") == "" {
		t.Skip("for TestFaults")
	}
	probetest.Closed(t) // lets the runtime open what it needs for itself
	job := made(t, asking("127.0.0.1:9"), "tcp", "tcp://shop.test:1", nil, nil)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: 3}); err != nil {
		t.Fatal(err)
	}
	r := once(t, job)
	os.Stdout.WriteString("RESULT " + r.Fault.String() + " " + r.Message + "\n")
	os.Exit(0)
}

var slowFaults = []produced{
	{uptime.FaultHTTPTooSlow, "over the limit of", slowly("http")},
	{uptime.FaultTCPTooSlow, "over the limit of", slowly("tcp")},
	{uptime.FaultTLSTooSlow, "over the limit of", slowly("tls")},
	{uptime.FaultDNSTooSlow, "over the limit of", slowly("dns")},
	{uptime.FaultICMPTooSlow, "over the limit of", slowly("icmp")},
	{uptime.FaultReplyTooSlow, "over the limit of", slowly("smtp")},
	{uptime.FaultExecTooSlow, "over the limit of", slowly("exec")},
	{uptime.FaultDomainTooSlow, "over the limit of", slowly("domain")},
}

func slowly(typ string) func(*testing.T) uptime.Result {
	return func(t *testing.T) uptime.Result {
		return once(t, uptime.Job{
			Monitor: &uptime.Monitor{Name: "m", Type: typ, DegradedAbove: 1},
			Checker: checker(func(context.Context) uptime.Result { return uptime.Result{Outcome: uptime.OutcomeUp} }),
		})
	}
}

func TestLocalFailureIsNobodyElses(t *testing.T) {
	if f := localFailure("x", errors.New("text")); f != nil {
		t.Errorf("%+v", f)
	}
	if f := localFailure("x", syscall.ECONNREFUSED); f != nil {
		t.Errorf("%+v", f)
	}
}
