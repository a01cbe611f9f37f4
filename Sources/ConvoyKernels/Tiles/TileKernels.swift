import ConvoyAssembler
import ConvoyTensors
import ConvoyTiles
import Synchronization

/// The code of this process's tiles, generated at first use and kept until the process ends.
///
/// Problems differ in extents and distances, which are arguments. Micro-kernels differ in tiles,
/// steps and epilogues, of which there are few; each takes a page of memory.
enum TileKernels {
  private static let made = POSIXMutex<[AnyHashableSendable: Made]>([:])

  private struct Made: Sendable {
    let code: ExecutableMemory
    let function: TileFunction
  }

  /// The micro-kernel of a description; nil where the system refuses memory for code.
  static func function(_ description: some TileDescription) -> TileFunction? {
    let key = AnyHashableSendable(description)
    return made.withLock { made in
      if let known = made[key] { return known.function }
      do {
        let code = try ExecutableMemory([description.generate()])
        let function = TileFunction(pointer: code.function(as: TileFunction.Pointer.self))
        made[key] = Made(code: code, function: function)
        return function
      } catch {
        refusal.withLock { isSaid in
          if !isSaid { Notice.say("\(error) Convoy uses a slower kernel.") }
          isSaid = true
        }
        return nil
      }
    }
  }

  private static let refusal = Mutex(false)
}

/// A key of any type of description.
///
/// `@unchecked Sendable`: `AnyHashable` is not Sendable, but the value in it is.
private struct AnyHashableSendable: Hashable, @unchecked Sendable {
  private let value: AnyHashable

  init(_ value: some TileDescription) { self.value = AnyHashable(value) }
}
