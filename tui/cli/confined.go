package cli

// confined is how both units end: what a lookout may do on its machine, with the
// reasons beside the lines, for whoever has to trust them.
const confined = `# Thousands of checks at once are thousands of sockets.
LimitNOFILE=1048576
# For icmp checks where ping_group_range does not cover us. Nothing else is kept.
AmbientCapabilities=CAP_NET_RAW
CapabilityBoundingSet=CAP_NET_RAW
NoNewPrivileges=yes

# INET and INET6 to check and to dial, UNIX for sockets of this machine and the
# journal, NETLINK because the resolver and the choice of a source address read
# the interfaces.
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
