// The protocol of the peers (README.md one folder up) for otter.
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

const (
	keyCount        = 2 << 14
	batchOperations = 256
)

type store = otter.Cache[uint64, uint64]

type counts struct{ reads, writes, hits uint64 }

// sink keeps the compiler from dropping what is read.
var sink atomic.Uint64

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "otter:", err)
		os.Exit(1)
	}
}

func serve() error {
	keysFile, capacity, err := parseArguments(os.Args[1:])
	if err != nil {
		return err
	}
	keys, err := readKeys(keysFile)
	if err != nil {
		return err
	}
	cache, err := otter.New(&otter.Options[uint64, uint64]{MaximumSize: capacity})
	if err != nil {
		return err
	}
	warmUp(cache, keys, uint64(capacity))
	fmt.Println(version())
	requests := bufio.NewScanner(os.Stdin)
	for requests.Scan() {
		var readers, writers, milliseconds int
		if _, err := fmt.Sscanf(requests.Text(), "run %d %d %d", &readers, &writers, &milliseconds); err != nil {
			return fmt.Errorf("not a request: %q", requests.Text())
		}
		run(cache, keys, readers, writers, time.Duration(milliseconds)*time.Millisecond)
	}
	return requests.Err()
}

func parseArguments(words []string) (file string, capacity int, err error) {
	if len(words) != 4 || words[0] != "--keys" || words[2] != "--capacity" {
		return "", 0, fmt.Errorf("usage: otter --keys FILE --capacity ENTRIES")
	}
	capacity, err = strconv.Atoi(words[3])
	return words[1], capacity, err
}

func readKeys(file string) (*[keyCount]uint64, error) {
	bytes, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if len(bytes) != 8*keyCount {
		return nil, fmt.Errorf("%s: holds %d bytes, not %d keys", file, len(bytes), keyCount)
	}
	keys := new([keyCount]uint64)
	for index := range keys {
		keys[index] = binary.LittleEndian.Uint64(bytes[8*index:])
	}
	return keys, nil
}

// version is what the module was linked with: go.mod is the only place that names it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "github.com/maypok86/otter/v2" {
				return "otter " + module.Version + ", " + info.GoVersion
			}
		}
	}
	return "otter"
}

func warmUp(cache *store, keys *[keyCount]uint64, capacity uint64) {
	for key := uint64(0); key < capacity; key++ {
		cache.Set(key, key)
	}
	for key := uint64(0); key < capacity; key++ {
		cache.Invalidate(key)
	}
	cache.CleanUp()
	for _, key := range keys {
		cache.Set(key, key)
	}
	cache.CleanUp()
}

func run(cache *store, keys *[keyCount]uint64, readers, writers int, duration time.Duration) {
	threads := readers + writers
	results := make([]counts, threads)
	begin := make(chan struct{})
	var stop atomic.Bool
	var ready, done sync.WaitGroup
	ready.Add(threads)
	done.Add(threads)
	for thread := range threads {
		offset := uint64(keyCount / threads * thread)
		go func() {
			defer done.Done()
			ready.Done()
			<-begin
			if thread < readers {
				results[thread] = read(cache, keys, offset, &stop)
			} else {
				results[thread] = write(cache, keys, offset, &stop)
			}
		}()
	}
	ready.Wait()
	clock := time.Now()
	close(begin)
	time.Sleep(duration)
	stop.Store(true)
	done.Wait()
	seconds := time.Since(clock).Seconds()
	var sum counts
	for _, each := range results {
		sum.reads += each.reads
		sum.writes += each.writes
		sum.hits += each.hits
	}
	fmt.Printf("%d %d %d %.9f\n", sum.reads, sum.writes, sum.hits, seconds)
}

func read(cache *store, keys *[keyCount]uint64, offset uint64, stop *atomic.Bool) counts {
	var reads, hits, sum uint64
	index := offset
	for {
		for range batchOperations {
			if value, found := cache.GetIfPresent(keys[index%keyCount]); found {
				hits++
				sum += value
			}
			index++
		}
		reads += batchOperations
		if stop.Load() {
			sink.Add(sum)
			return counts{reads: reads, hits: hits}
		}
	}
}

func write(cache *store, keys *[keyCount]uint64, offset uint64, stop *atomic.Bool) counts {
	var writes uint64
	index := offset
	for {
		for range batchOperations {
			key := keys[index%keyCount]
			cache.Set(key, key)
			index++
		}
		writes += batchOperations
		if stop.Load() {
			return counts{writes: writes}
		}
	}
}
