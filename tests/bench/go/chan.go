// SPDX-License-Identifier: MIT

// Go's own channel, measured as boom-chan and boom-ping-pong measure libboom's: nanoseconds for one send
// and its receive. Once plain; once in a select with ctx.Done(), which is what every call of libboom does.
// BENCH_OPS: how many (2000000).
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

const (
	capacity   = 256 // QUEUE_CAPACITY
	repeats    = 20
	processors = 2
)

// A send and a receive, of one kind.
type kind struct {
	name string
	send func(c chan *int, elem *int)
	recv func(c chan *int) *int
}

func kinds(ctx context.Context) []kind {
	return []kind{
		{"chan",
			func(c chan *int, elem *int) { c <- elem },
			func(c chan *int) *int { return <-c }},
		{"select with ctx.Done()",
			func(c chan *int, elem *int) {
				select {
				case c <- elem:
				case <-ctx.Done():
				}
			},
			func(c chan *int) *int {
				select {
				case elem := <-c:
					return elem
				case <-ctx.Done():
					return nil
				}
			}},
	}
}

func alone(k kind, n int) {
	c, elem := make(chan *int, capacity), new(int)
	for i := 0; i < n; i++ {
		k.send(c, elem)
		k.recv(c)
	}
}

func together(k kind, n int, each int) {
	c, elem := make(chan *int, capacity), new(int)
	var all sync.WaitGroup
	all.Add(2 * each)
	for i := 0; i < each; i++ {
		go func() {
			defer all.Done()
			for i := 0; i < n/each; i++ {
				k.recv(c)
			}
		}()
		go func() {
			defer all.Done()
			for i := 0; i < n/each; i++ {
				k.send(c, elem)
			}
		}()
	}
	all.Wait()
}

// n hand-overs, there and back, between two goroutines that each wait for the other.
func pingPong(k kind, n int) {
	there, back, elem := make(chan *int), make(chan *int), new(int)
	go func() {
		for i := 0; i < n/2; i++ {
			k.send(back, k.recv(there))
		}
	}()
	for i := 0; i < n/2; i++ {
		k.send(there, elem)
		k.recv(back)
	}
}

func best(n int, run func(n int)) float64 {
	least := 0.0
	for i := 0; i < repeats; i++ {
		begin := time.Now()
		run(n / repeats)
		ns := float64(time.Since(begin).Nanoseconds()) / float64(n/repeats)
		if i == 0 || ns < least {
			least = ns
		}
	}
	return least
}

func operations() int {
	if n, err := strconv.Atoi(os.Getenv("BENCH_OPS")); err == nil {
		return n
	}
	return 2000000
}

func main() {
	runtime.GOMAXPROCS(processors)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n := operations()
	settings := []struct {
		name string
		run  func(k kind, n int)
	}{
		{"0 senders, 0 receivers (one goroutine)", alone},
		{"1 senders, 1 receivers", func(k kind, n int) { together(k, n, 1) }},
		{"4 senders, 4 receivers", func(k kind, n int) { together(k, n, 4) }},
		{"ping-pong, capacity 0", pingPong},
	}
	fmt.Printf("%s, GOMAXPROCS=%d\n", runtime.Version(), processors)
	for _, setting := range settings {
		fmt.Printf("%s:", setting.name)
		for _, k := range kinds(ctx) {
			k := k
			fmt.Printf(" %s %.1f ns", k.name, best(n, func(n int) { setting.run(k, n) }))
		}
		fmt.Println()
	}
}
