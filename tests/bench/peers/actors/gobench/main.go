// SPDX-License-Identifier: MIT

// gobench CASE [N]: the workloads with goroutines and channels; prints lines `name value unit`.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// statusKiB is one line of /proc/self/status.
func statusKiB(key string) int64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for s.Scan() {
		if strings.HasPrefix(s.Text(), key) {
			v, _ := strconv.ParseInt(strings.Fields(s.Text())[1], 10, 64)
			return v
		}
	}
	return 0
}

// circle sends a token round; each goroutine of v > 0 goes on with v - 1.
func circle(goroutines, room int, n uint64, threads bool) time.Duration {
	channels := make([]chan uint64, goroutines)
	for i := range channels {
		channels[i] = make(chan uint64, room)
	}
	done := make(chan bool)
	for i := range channels {
		go func(in, out chan uint64) {
			if threads {
				runtime.LockOSThread()
			}
			for v := range in {
				if v == 0 {
					done <- true
					return
				}
				out <- v - 1
			}
		}(channels[i], channels[(i+1)%goroutines])
	}
	start := time.Now()
	channels[0] <- n
	<-done
	return time.Since(start)
}

func pingpong(n uint64) time.Duration      { return circle(2, 0, n, false) }
func pingpongCross(n uint64) time.Duration { return circle(2, 0, n, true) }
func ring(n uint64) time.Duration          { return circle(1000, 1, n, false) }

func count(n uint64) time.Duration {
	c := make(chan uint64, 1000)
	done := make(chan uint64)
	go func() {
		var got uint64
		for got < n {
			<-c
			got++
		}
		done <- got
	}()
	start := time.Now()
	go func() {
		for i := uint64(0); i < n; i++ {
			c <- i
		}
	}()
	<-done
	return time.Since(start)
}

func fanin(n uint64) time.Duration {
	c := make(chan uint64, 1000)
	start := time.Now()
	for p := 0; p < 100; p++ {
		go func() {
			for i := uint64(0); i < n/100; i++ {
				c <- i
			}
		}()
	}
	for got := uint64(0); got < n; got++ {
		<-c
	}
	return time.Since(start)
}

func sky(parent chan uint64, first, size uint64) {
	if size == 1 {
		parent <- first
		return
	}
	children := make(chan uint64, 10)
	var sum uint64
	for i := uint64(0); i < 10; i++ {
		go sky(children, first+i*(size/10), size/10)
	}
	for i := 0; i < 10; i++ {
		sum += <-children
	}
	parent <- sum
}

func skynet(leaves uint64) time.Duration {
	c := make(chan uint64)
	start := time.Now()
	go sky(c, 0, leaves)
	if v := <-c; v != leaves*(leaves-1)/2 {
		panic(v)
	}
	return time.Since(start)
}

type request struct {
	v     uint64
	reply chan uint64
}

func ask(n uint64) time.Duration      { return askOn(n, false) }
func askCross(n uint64) time.Duration { return askOn(n, true) }

func askOn(n uint64, threads bool) time.Duration {
	server := make(chan request)
	go func() {
		if threads {
			runtime.LockOSThread()
		}
		for r := range server {
			r.reply <- r.v + 1
		}
	}()
	done := make(chan bool)
	start := time.Now()
	go func() {
		if threads {
			runtime.LockOSThread()
		}
		for i := uint64(0); i < n; i++ {
			r := make(chan uint64, 1)
			server <- request{i, r}
			<-r
		}
		done <- true
	}()
	<-done
	return time.Since(start)
}

func spawn(n uint64) time.Duration {
	root := make(chan uint64, 1000)
	var sent uint64
	one := func() {
		sent++
		c := make(chan uint64, 1)
		go func() { root <- <-c }()
		c <- sent
	}
	start := time.Now()
	for i := 0; i < 1000; i++ {
		one()
	}
	for done := uint64(0); done < n; done++ {
		<-root
		if sent < n {
			one()
		}
	}
	return time.Since(start)
}

// idle is bytes of resident memory for each goroutine with its channel.
func idle(n uint64) float64 {
	before := statusKiB("VmRSS:")
	var answered sync.WaitGroup
	channels := make([]chan uint64, n)
	answered.Add(int(n))
	for i := range channels {
		c := make(chan uint64, 1)
		channels[i] = c
		go func() {
			var state uint64
			for v := range c {
				state += v
				answered.Done()
			}
		}()
		c <- uint64(i)
	}
	answered.Wait()
	grown := statusKiB("VmRSS:") - before
	runtime.KeepAlive(channels)
	return float64(grown) * 1024 / float64(n)
}

type workload struct {
	run     func(n uint64) time.Duration
	n       uint64
	threads int
}

var workloads = map[string]workload{
	"pingpong":       {pingpong, 1000000, 1},
	"ring":           {ring, 1000000, 1},
	"count":          {count, 2500000, 1},
	"count_cross":    {count, 2500000, 2},
	"fanin":          {fanin, 2500000, 2},
	"pingpong_cross": {pingpongCross, 40000, 2},
	"ask":            {ask, 500000, 1},
	"ask_cross":      {askCross, 40000, 2},
	"spawn":          {spawn, 250000, 1},
	"skynet":         {skynet, 1000000, 1},
	"runaway":        {count, 10000000, 1},
	"idle":           {nil, 1000000, 1},
}

// nodes is how many goroutines a skynet of so many leaves has.
func nodes(leaves uint64) (sum uint64) {
	for ; leaves > 0; leaves /= 10 {
		sum += leaves
	}
	return sum
}

func main() {
	name := ""
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	w, known := workloads[name]
	if !known {
		fmt.Fprintln(os.Stderr, "gobench: no case", name)
		os.Exit(2)
	}
	n := w.n
	if len(os.Args) > 2 {
		n, _ = strconv.ParseUint(os.Args[2], 10, 64)
	}
	runtime.GOMAXPROCS(w.threads)
	if name == "idle" {
		fmt.Printf("idle %.1f bytes\n", idle(n))
		return
	}
	before := statusKiB("VmRSS:")
	took := float64(w.run(n).Nanoseconds())
	grown := float64(statusKiB("VmHWM:")-before) / 1024
	ops := n
	if name == "skynet" {
		ops = nodes(n)
	}
	fmt.Printf("%s %.2f ns\n", name, took/float64(ops))
	if name == "skynet" || name == "runaway" {
		fmt.Printf("%s_rss %.1f MiB\n", name, grown)
	}
}
