#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Lets threads sleep until something holds.
///
/// `@unchecked Sendable`: the pointers are never changed, and POSIX makes what they point to safe to
/// share.
final class Gate: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Wakes all sleepers, to look again whether what they wait for holds.
  func open() {
    pthread_mutex_lock(mutex)
    pthread_cond_broadcast(condition)
    pthread_mutex_unlock(mutex)
  }

  func wait(until holds: () -> Bool) {
    pthread_mutex_lock(mutex)
    while !holds() { pthread_cond_wait(condition, mutex) }
    pthread_mutex_unlock(mutex)
  }
}

/// Starts a thread that runs a closure and ends.
package func startThread(_ body: @escaping @Sendable () -> Void) {
  final class Entry {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  let entry = Unmanaged.passRetained(Entry(body))
  #if canImport(Darwin)
    var thread: pthread_t?
    let result = pthread_create(
      &thread, nil,
      { argument in
        Unmanaged<Entry>.fromOpaque(argument).takeRetainedValue().body()
        return nil
      }, entry.toOpaque())
    if let thread { pthread_detach(thread) }
  #else
    var thread = pthread_t()
    let result = pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<Entry>.fromOpaque(argument).takeRetainedValue().body() }
        return nil
      }, entry.toOpaque())
    if result == 0 { pthread_detach(thread) }
  #endif
  // Without a thread the pool still works: its callers do all chunks themselves.
  if result != 0 { entry.release() }
}
