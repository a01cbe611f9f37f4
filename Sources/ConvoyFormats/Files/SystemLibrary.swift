import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A C library of the system that is opened when something first needs it, so that Convoy builds
/// and runs where it is absent.
struct SystemLibrary: Sendable {
  /// What people call it.
  let name: String

  /// The names it goes by on the systems Convoy knows, tried in order.
  let files: [String]

  /// What to type to have it.
  let remedy: String

  /// Opens the library, which then stays in the process.
  ///
  /// - Parameter purpose: what needs it, as in "Reading a PNG image".
  /// - Throws: `ConvoyError` of kind `.resource` when it is not installed.
  func opened(for purpose: String) throws(ConvoyError) -> Opened {
    for file in files {
      if let handle = dlopen(file, RTLD_NOW | RTLD_LOCAL) {
        return Opened(handle: handle, library: self)
      }
    }
    throw ConvoyError(
      .resource, "\(purpose) needs \(name), which is not installed; \(remedy) installs it.")
  }

  /// An open library, from which functions can be had.
  struct Opened {
    fileprivate let handle: UnsafeMutableRawPointer
    fileprivate let library: SystemLibrary

    /// A function of the library.
    ///
    /// - Parameter type: a `@convention(c)` function type that matches the library's header; nothing
    ///   can check this.
    func function<Function>(
      _ symbol: String, as type: Function.Type
    ) throws(ConvoyError) -> Function {
      guard let address = dlsym(handle, symbol) else {
        throw ConvoyError(
          .resource, "\(library.name) is installed but too old: it has no function \(symbol).")
      }
      return unsafeBitCast(address, to: type)
    }
  }
}
