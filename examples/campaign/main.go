// Command campaign will be the main job.
package main

func main() {}
