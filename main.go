// Lookout watches websites and services from a terminal.
package main

func main() {}
