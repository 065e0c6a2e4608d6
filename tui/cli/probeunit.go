package cli

import "strings"

// probeUnit is the systemd unit that `lookout probe --print-unit` prints.
const probeUnit = `# lookout-probe.service: put it into /etc/systemd/system, then
#   systemctl daemon-reload && systemctl enable --now lookout-probe
# Reads the folder that lookout remote init made, copied to /etc/lookout-probe,
# root's alone (chmod -R go= /etc/lookout-probe); keeps results that wait and
# what it was told in /var/lib/lookout-probe.

[Unit]
Description=lookout probe
# Not network-online.target: it dials until it gets through, and tells by itself
# whether this machine is online.
After=network.target

[Service]
# READY=1 is sent once the spool is open and what it was told is in force again.
Type=notify
# Each file is handed over at the start, so that root alone can read them on disk.
# Leave out those that your folder has not.
LoadCredential=probe.toml:/etc/lookout-probe/probe.toml
LoadCredential=broker.pass:/etc/lookout-probe/broker.pass
LoadCredential=ca.pem:/etc/lookout-probe/ca.pem
LoadCredential=client.pem:/etc/lookout-probe/client.pem
LoadCredential=client.key:/etc/lookout-probe/client.key
# A secret of a check, ${secret:shop} in the engine's configuration:
#LoadCredential=shop:/etc/credstore/shop
ExecStart=@EXE@ probe --config ${CREDENTIALS_DIRECTORY}/probe.toml
Restart=on-failure
RestartSec=2
# A mistake in the file, a folder in use, and a usage error do not go away by
# trying again.
RestartPreventExitStatus=64 73 77 78
# SIGTERM cancels what is checked, sends what there is, and says goodbye.
TimeoutStopSec=20

# A user of its own, made for the time that the service runs.
DynamicUser=yes
StateDirectory=lookout-probe
StateDirectoryMode=0700
UMask=0077

# Thousands of checks at once are thousands of sockets.
LimitNOFILE=1048576
# For icmp checks where ping_group_range does not cover us. Nothing else is kept.
AmbientCapabilities=CAP_NET_RAW
CapabilityBoundingSet=CAP_NET_RAW
NoNewPrivileges=yes

# INET and INET6 to check and to dial, UNIX for the journal, NETLINK because the
# resolver and the choice of a source address read the interfaces.
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK

# It writes to its state folder and nowhere else.
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
# No process of others, no kernel interface, no clock, no name of the host.
ProtectProc=invisible
ProcSubset=pid
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
# It makes no namespaces, no set-uid files, no real-time threads, and no code
# at run time (Go does not need writable and executable memory).
RestrictNamespaces=yes
RestrictSUIDSGID=yes
RestrictRealtime=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`

// probeUnitFor is the unit of a probe for a program at a path.
func probeUnitFor(exe string) string { return strings.ReplaceAll(probeUnit, "@EXE@", exe) }
