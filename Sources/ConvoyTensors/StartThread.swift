#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Starts a thread that runs a closure and ends.
///
/// - Returns: whether the system started one.
@discardableResult
package func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
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
  if result != 0 { entry.release() }
  return result == 0
}
