package child

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// maxTree bounds the processes of a command that are looked for.
const maxTree = 1000

// endTree ends a child of ours and all that it started, in whatever session: a
// plugin that calls setsid, and timeout(1) and sudo, leave the process group.
// Each is stopped before its children are looked for, so that none can start
// another behind our back. A process whose parent has ended before is nobody's
// child any more, and is not found.
func endTree(root *os.Process) {
	if root.Signal(syscall.SIGSTOP) != nil {
		return // it is gone, or somebody else's
	}
	var tree []*os.Process
	known := map[int]bool{root.Pid: true}
	for more := true; more; {
		more = false
		for pid, parent := range parents() {
			if known[pid] || !known[parent] || len(tree) == maxTree {
				continue
			}
			p, err := os.FindProcess(pid) // holds on to it by a descriptor, where the kernel can
			if err != nil {
				continue
			}
			if parentOf(pid) != parent { // its number is another's by now
				p.Release()
				continue
			}
			known[pid], more = true, true
			tree = append(tree, p)
			p.Signal(syscall.SIGSTOP) // of somebody else's it fails, as killing it will
		}
	}
	for _, p := range tree {
		p.Kill()
		p.Release()
	}
	root.Kill()
}

// parents are the processes of this machine that we see, and their parents.
func parents() map[int]int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	of := make(map[int]int, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			if parent := parentOf(pid); parent > 0 {
				of[pid] = parent
			}
		}
	}
	return of
}

// parentOf is the parent of a process, 0 where it is gone: the second field
// after the name, which may hold anything but ends with the last parenthesis.
func parentOf(pid int) int {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(string(fields[1]))
	return parent
}
