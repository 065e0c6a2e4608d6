//go:build !linux

package main

import (
	"context"
	"errors"
)

var errLinux = errors.New("this needs Linux: its network namespaces, and all of 127.0.0.0/8")

func (d *drill) causes(context.Context, ...string) error { return errLinux }

func (d *drill) single(context.Context) error { return errLinux }

func (d *drill) burst(context.Context) error { return errLinux }
