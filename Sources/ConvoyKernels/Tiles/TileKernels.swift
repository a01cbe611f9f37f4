import ConvoyAssembler
import ConvoyTensors
import ConvoyTiles
import Synchronization

/// The code of this process's tiles, made when they are first asked for and kept to its end.
///
/// Problems differ in sizes and distances, which are arguments; the kernels differ in tiles, steps and
/// tails, of which there are few: a page of memory each.
enum TileKernels {
  private static let made = POSIXMutex<[AnyHashableSendable: Made]>([:])

  private struct Made: Sendable {
    let code: ExecutableMemory
    let function: TileFunction
  }

  /// The kernel of a description, or nil where the system refuses memory for code.
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
/// `@unchecked Sendable`: `AnyHashable` is not, but it is made of a value that is.
private struct AnyHashableSendable: Hashable, @unchecked Sendable {
  private let value: AnyHashable

  init(_ value: some TileDescription) { self.value = AnyHashable(value) }
}
