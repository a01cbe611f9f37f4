import ConvoyTensors

/// The arguments of a weight gradient's micro-kernel: a block of memory, whose address is the
/// function's only argument.
///
/// The micro-kernel iterates over slices of rows of columns with running pointers. Its steps are
/// therefore from the end of a row's last column, or of a band of rows, to the beginning of the
/// next row, and from the end of a slice's last row to the next slice.
///
/// Public for the compiler alone: it inlines public functions into another module, `package` ones
/// not.
public struct GradientArguments {
  /// A field, by its offset in bytes.
  public enum Field: Int {
    /// The addresses of the first pixel of the image and of the output's gradient.
    case image = 0
    case gradient = 8
    /// The address of the sums that are added to.
    case sums = 16
    /// Bytes from a plane's sums to the next plane's.
    case sumsPitch = 24
    /// The number of columns, or of tiles of columns; at least one.
    case columns = 32
    /// The number of rows, or of bands of rows; at least one.
    case rows = 40
    /// The number of slices; at least one at the beginning, and zero at the end.
    case slices = 48
    case imageRowStep = 56
    case gradientRowStep = 64
    case imageSliceStep = 72
    case gradientSliceStep = 80
    /// Bytes from a pixel of the gradient to the one in the next row.
    case gradientPitch = 88
    /// Permutation indices.
    case laneNumbers = 96
    /// Bytes from the image's pixel to each line that is read, and from the gradient's plane to
    /// others.
    case offsets = 128
  }

  /// The largest number of words of `Field.offsets`.
  public static let maximalOffsets = 12
  @usableFromInline
  static let byteCount = Field.offsets.rawValue + 8 * maximalOffsets

  @usableFromInline
  let base: UnsafeMutableRawPointer

  @inlinable
  init(base: UnsafeMutableRawPointer) { self.base = base }

  /// Runs a body with a block on the stack.
  @inlinable @inline(__always)
  public static func with<R>(_ body: (GradientArguments) -> R) -> R {
    withUnsafeTemporaryAllocation(byteCount: byteCount, alignment: 64) {
      // The buffer is not empty, so it has an address.
      body(GradientArguments(base: $0.baseAddress.unsafelyUnwrapped))
    }
  }

  /// Sets a word of a field.
  @inlinable
  public func set(_ field: Field, at index: Int = 0, _ value: Int) {
    base.storeBytes(of: value, toByteOffset: field.rawValue + 8 * index, as: Int.self)
  }

  /// Sets a field to an address.
  @inlinable
  public func set(_ field: Field, _ address: UnsafeRawPointer) {
    set(field, Int(bitPattern: address))
  }

  /// Calls code with these arguments.
  @inlinable
  public func run(_ function: TileFunction) { function.pointer(base) }
}

extension TileWriter {
  /// The place of a word of a weight gradient's arguments.
  package func argument(_ field: GradientArguments.Field, _ index: Int = 0) -> Place {
    arguments + (field.rawValue + index * Integer.bytes)
  }

  /// Iterates over slices of rows: runs the body for each row, with the pointers at its first
  /// column. The body advances them to the end of its last column.
  ///
  /// - Parameters:
  ///   - rows: the counter register, which the body preserves.
  ///   - scratch: a register that is overwritten between rows.
  package func walkRows(
    image: Integer, gradient: Integer, rows: Integer, scratch: Integer, _ body: () -> Void
  ) {
    load(image, argument(.image))
    load(gradient, argument(.gradient))
    loop(argument(.slices), scratch: scratch) {
      load(rows, argument(.rows))
      loop(rows) {
        body()
        advance(image, by: argument(.imageRowStep))
        advance(gradient, by: argument(.gradientRowStep))
      }
      advance(image, by: argument(.imageSliceStep))
      advance(gradient, by: argument(.gradientSliceStep))
    }
  }
}
