#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A value that one thread at a time may access, and whose changes threads can wait for.
///
/// `@unchecked Sendable`: the value is accessed only while the lock is held.
package final class Monitor<Value>: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var value: Value

  package init(_ value: Value) {
    self.value = value
    pthread_mutex_init(mutex, nil)
    #if canImport(Darwin)
      pthread_cond_init(condition, nil)
    #else
      // The monotonic clock, so that setting the wall clock does not lengthen a wait.
      var attributes = pthread_condattr_t()
      pthread_condattr_init(&attributes)
      pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
      pthread_cond_init(condition, &attributes)
      pthread_condattr_destroy(&attributes)
    #endif
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Reads or changes the value.
  package func withLock<Result, Failure>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&value)
  }

  /// Changes the value, and wakes all waiting threads, which check their conditions again.
  package func change(_ body: (inout Value) -> Void) {
    withLock(body)
    pthread_cond_broadcast(condition)
  }

  // The value is not held as `inout` during a wait, or the compiler could assume that it does not
  // change.

  /// Waits until a condition holds.
  package func wait(until holds: (inout Value) -> Bool) {
    pthread_mutex_lock(mutex)
    while !holds(&value) { pthread_cond_wait(condition, mutex) }
    pthread_mutex_unlock(mutex)
  }

  /// Waits until a condition holds, but at most a number of seconds.
  package func wait(atMost seconds: Double, until holds: (inout Value) -> Bool) {
    let deadline = monotonicSeconds() + seconds
    pthread_mutex_lock(mutex)
    while !holds(&value) {
      let left = deadline - monotonicSeconds()
      guard left > 0 else { break }
      #if canImport(Darwin)
        var time = timespec(seconds: left)
        pthread_cond_timedwait_relative_np(condition, mutex, &time)
      #else
        var time = timespec(seconds: deadline)
        pthread_cond_timedwait(condition, mutex, &time)
      #endif
    }
    pthread_mutex_unlock(mutex)
  }
}

/// Seconds since an arbitrary moment, by a monotonic clock.
package func monotonicSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

extension timespec {
  fileprivate init(seconds: Double) {
    let whole = seconds.rounded(.down)
    self.init(tv_sec: Int(whole), tv_nsec: Int((seconds - whole) * 1e9))
  }
}
