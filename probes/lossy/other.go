//go:build !linux

package main

import (
	"context"
	"errors"
)

var errLinux = errors.New("this needs Linux: tun devices in network namespaces")

// Run says that it cannot.
func Run(context.Context, Work) (Report, error) { return Report{}, errLinux }

func runSide(string) error { return errLinux }
