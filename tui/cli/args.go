package cli

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"lookout/engine/uptime"
)

// parent makes a command that only holds others.
func parent(use, short string, children ...*cobra.Command) *cobra.Command {
	p := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs}
	p.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return unknownCommand(cmd, args[0])
	}
	p.AddCommand(children...)
	return p
}

// unknownCommand says so and suggests the nearest.
func unknownCommand(cmd *cobra.Command, word string) error {
	word = uptime.Clean(word, 80)
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(word); len(near) > 0 {
		return failf(exitUsage, "%q is no command of %s; did you mean %s?", word, cmd.CommandPath(), bullets(near))
	}
	if !cmd.HasParent() && strings.ContainsAny(word, ".:/") {
		return failf(exitUsage, "%q is no command of %s and no URL; to watch it: %s https://%s", word, cmd.CommandPath(), cmd.CommandPath(), word)
	}
	return failf(exitUsage, "%q is no command of %s; see %s --help", word, cmd.CommandPath(), cmd.CommandPath())
}

// noArgs is the check of commands without arguments.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return failf(exitUsage, "%s takes no argument, and got %q; see %s --help", cmd.CommandPath(), uptime.Clean(args[0], 80), cmd.CommandPath())
	}
	return nil
}

// atMost is the check of commands that take some arguments, with the exit code of a usage error.
func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return failf(exitUsage, "%s takes one argument at most; see %s --help", cmd.CommandPath(), cmd.CommandPath())
		}
		return nil
	}
}

// between is that of commands that need some arguments and take a few more.
func between(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return failf(exitUsage, "%s takes %s; see %s --help", cmd.CommandPath(), what, cmd.CommandPath())
		}
		return nil
	}
}

// atLeastOne is that of commands that need one.
func atLeastOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return failf(exitUsage, "%s needs %s; see %s --help", cmd.CommandPath(), what, cmd.CommandPath())
		}
		return nil
	}
}

// flagMistake says what is wrong with a flag.
func flagMistake(err error) string {
	text := err.Error()
	var number *strconv.NumError
	if !errors.As(err, &number) {
		return text
	}
	wants := "a whole number"
	if number.Func == "ParseBool" {
		wants = "true or false"
	}
	text, _, _ = strings.Cut(text, ": "+number.Error())
	return text + ": it takes " + wants
}

// helpCommand is help, for which a word that is no command is a mistake.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "what a command does",
		RunE: func(cmd *cobra.Command, args []string) error {
			about := cmd.Root()
			for _, word := range args {
				i := slices.IndexFunc(about.Commands(), func(c *cobra.Command) bool { return c.Name() == word || c.HasAlias(word) })
				if i < 0 {
					return unknownCommand(about, word)
				}
				about = about.Commands()[i]
			}
			about.InitDefaultHelpFlag() // as its own --help has it
			return about.Help()
		},
	}
}
