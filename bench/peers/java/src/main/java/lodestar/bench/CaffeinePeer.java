package lodestar.bench;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;

/** The protocol of the peers (README.md in bench/peers) for Caffeine. */
public final class CaffeinePeer {
  private static final int KEY_COUNT = 2 << 14;
  private static final int MASK = KEY_COUNT - 1;
  private static final int BATCH_OPERATIONS = 256;

  private final Cache<Long, Long> cache;
  /** Boxed beforehand, one object per place, as in Caffeine's own benchmark. */
  private final Long[] keys;
  private volatile boolean stop;
  private volatile long sink;

  private CaffeinePeer(Long[] keys, int capacityEntries) {
    this.keys = keys;
    this.cache = Caffeine.newBuilder().maximumSize(capacityEntries).build();
  }

  public static void main(String[] words) throws Exception {
    if (words.length != 4 || !words[0].equals("--keys") || !words[2].equals("--capacity")) {
      System.err.println("usage: caffeine --keys FILE --capacity ENTRIES");
      System.exit(2);
    }
    int capacityEntries = Integer.parseInt(words[3]);
    CaffeinePeer peer = new CaffeinePeer(readKeys(Path.of(words[1])), capacityEntries);
    peer.warmUp(capacityEntries);
    System.out.println(version());
    var requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    for (String line = requests.readLine(); line != null; line = requests.readLine()) {
      String[] request = line.split(" ");
      if (request.length != 4 || !request[0].equals("run")) {
        throw new IllegalArgumentException("not a request: " + line);
      }
      int readers = Integer.parseInt(request[1]);
      System.out.println(peer.run(readers, Integer.parseInt(request[2]), Long.parseLong(request[3])));
    }
  }

  private static Long[] readKeys(Path file) throws IOException {
    LongBuffer numbers =
        ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer();
    if (numbers.remaining() != KEY_COUNT) {
      throw new IOException(file + ": holds " + numbers.remaining() + " keys, not " + KEY_COUNT);
    }
    Long[] keys = new Long[KEY_COUNT];
    for (int index = 0; index < KEY_COUNT; index++) {
      keys[index] = numbers.get(index);
    }
    return keys;
  }

  /** The name of Caffeine's jar has its version: pom.xml is the only place that names it. */
  private static String version() {
    String jar = Caffeine.class.getProtectionDomain().getCodeSource().getLocation().getPath();
    String name = Path.of(jar).getFileName().toString().replace('-', ' ').replace(".jar", "");
    return name + ", Java " + System.getProperty("java.version");
  }

  private void warmUp(int capacityEntries) {
    for (long key = 0; key < capacityEntries; key++) {
      cache.put(key, key);
    }
    for (long key = 0; key < capacityEntries; key++) {
      cache.invalidate(key);
    }
    cache.cleanUp();
    for (Long key : keys) {
      cache.put(key, key);
    }
    cache.cleanUp();
  }

  private String run(int readers, int writers, long milliseconds) throws InterruptedException {
    Worker[] workers = new Worker[readers + writers];
    CountDownLatch ready = new CountDownLatch(workers.length);
    CountDownLatch begin = new CountDownLatch(1);
    stop = false;
    for (int thread = 0; thread < workers.length; thread++) {
      int offset = KEY_COUNT / workers.length * thread;
      workers[thread] = new Worker(thread < readers, offset, ready, begin);
      workers[thread].start();
    }
    ready.await();
    long before = System.nanoTime();
    begin.countDown();
    Thread.sleep(milliseconds);
    stop = true;
    long reads = 0;
    long writes = 0;
    long hits = 0;
    for (Worker each : workers) {
      each.join();
      reads += each.reads;
      writes += each.writes;
      hits += each.hits;
    }
    double seconds = (System.nanoTime() - before) / 1e9;
    return String.format(Locale.ROOT, "%d %d %d %.9f", reads, writes, hits, seconds);
  }

  private final class Worker extends Thread {
    private final boolean isReader;
    private final CountDownLatch ready;
    private final CountDownLatch begin;
    private int index;
    private long sum;
    private long reads;
    private long writes;
    private long hits;

    Worker(boolean isReader, int offset, CountDownLatch ready, CountDownLatch begin) {
      this.isReader = isReader;
      this.index = offset;
      this.ready = ready;
      this.begin = begin;
    }

    @Override
    public void run() {
      ready.countDown();
      try {
        begin.await();
      } catch (InterruptedException e) {
        return;
      }
      do {
        if (isReader) {
          readBatch();
        } else {
          writeBatch();
        }
      } while (!stop);
      sink = sum;
    }

    // Methods of their own, so that they are compiled as such and not while they are running.
    private void readBatch() {
      int at = index;
      long found = 0;
      long total = sum;
      for (int operation = 0; operation < BATCH_OPERATIONS; operation++) {
        Long value = cache.getIfPresent(keys[at++ & MASK]);
        if (value != null) {
          found++;
          total += value;
        }
      }
      index = at;
      sum = total;
      hits += found;
      reads += BATCH_OPERATIONS;
    }

    private void writeBatch() {
      int at = index;
      for (int operation = 0; operation < BATCH_OPERATIONS; operation++) {
        Long key = keys[at++ & MASK];
        cache.put(key, key);
      }
      index = at;
      writes += BATCH_OPERATIONS;
    }
  }
}
