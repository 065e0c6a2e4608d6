.PHONY: help build test fuzz bench lossy drills drills-types drills-remote drills-alerts sim run demo-remote

help:
	@echo 'make build   the binary, ./lookout: pure Go, one file, copy it where you like'
	@echo 'make run     build it and open the dashboard on this folder'"'"'s lookout.toml (none: it asks what to watch)'
	@echo 'make test    format, vet, staticcheck, tests with the race detector, the real binary against real'
	@echo '             servers on loopback, a little fuzzing; says first what it installs, 7 to 9 minutes'
	@echo 'make fuzz    every fuzz target for a minute (FUZZ=10m: for ten)'
	@echo 'make bench   the figures that the README quotes, a line each, about 2 minutes on a quiet machine'
	@echo 'make lossy   10,000 checks over links that lose 0.1 and 1 % of the packets, and into a black hole (root)'
	@echo 'make sim     the rule for DOWN against invented faults, 10,000 years of them, beside the rules of others;'
	@echo '             Ctrl-C stops it, and it says what it covered'
	@echo 'make drills  all of these, an hour:'
	@echo 'make drills-types   each check type against real servers: green, stopped, answering wrongly; says first'
	@echo '             what it installs (root)'
	@echo 'make drills-remote  the links of remote probes: 100 kill -9 over probes, engine and broker, cut and'
	@echo '             stalled lines, bytes and CPU per result, second opinions; needs RabbitMQ, 35 minutes'
	@echo 'make drills-alerts  telling people: 500 kill -9 while a mail server refuses a fifth of all mails,'
	@echo '             10,000 letters at once, from the event to the mail; storms of the real binary on machines'
	@echo '             of their own (root), 25 minutes'
	@echo 'make demo-remote  a private broker, an engine and three probes, and the console on them; nothing stays'
	@echo
	@echo 'One test:    go test -run TestName ./engine/verdict'

build:
	CGO_ENABLED=0 go build -trimpath -o lookout .

test:
	@FUZZ=$(FUZZ) bash .ci/test

fuzz:
	@FUZZ=$(or $(FUZZ),1m) bash .ci/test fuzz

bench:
	@go run ./tui/cli/bench

lossy:
	@go run ./probes/lossy

drills: drills-types drills-remote drills-alerts

drills-types:
	@go run ./probes/drills

drills-remote:
	@go run ./probes/remote/drills

drills-alerts:
	@go run ./engine/alert/drills

sim:
	@go run ./engine/sim $(SIM)

demo-remote:
	@go run ./probes/remote/demo

run: build
	./lookout
