package main

// all are the drills, in the order in which they run.
func all() []drill {
	return []drill{
		nginx(),
		redis(),
		openssh(),
		nsd(),
		chrony(),
		mariadb(),
		postgresql(),
		slapd(),
		vsftpd(),
		postfix(),
		dovecot(),
		prosody(),
		etcd(),
		plugins(),
		kernel(),
	}
}
