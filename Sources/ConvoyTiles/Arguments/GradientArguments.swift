import ConvoyTensors

/// What a generated tile kernel of a weight gradient is told: a block of memory whose address is its one
/// argument.
///
/// The kernel walks slices of rows of columns. Its pointers run on, so that steps are from behind the last
/// column of a row, or band of rows, to the first of the next, and from behind a slice's last row on.
package struct GradientArguments {
  /// A field, by its distance in bytes.
  package enum Field: Int {
    /// Where the first pixel of the image is, and of the output's gradient.
    case image = 0
    case gradient = 8
    /// The sums that are added to.
    case sums = 16
    /// Bytes from a plane's sums to the next plane's.
    case sumsPitch = 24
    /// Columns, or tiles of them; at least one.
    case columns = 32
    /// Rows, or bands of them; at least one.
    case rows = 40
    /// Slices; at least one, and zero afterwards.
    case slices = 48
    case imageRowStep = 56
    case gradientRowStep = 64
    case imageSliceStep = 72
    case gradientSliceStep = 80
    /// Bytes from a pixel of the gradient to the one below it.
    case gradientPitch = 88
    /// Lane numbers for permutations.
    case laneNumbers = 96
    /// Bytes from the image's pixel to each line that is read, and from the gradient's plane to others.
    case offsets = 128
  }

  /// The most words of `Field.offsets`.
  package static let maximalOffsets = 12
  @usableFromInline
  static let byteCount = Field.offsets.rawValue + 8 * maximalOffsets

  @usableFromInline
  let base: UnsafeMutableRawPointer

  @inlinable
  init(base: UnsafeMutableRawPointer) { self.base = base }

  /// Runs a body with a block on the stack.
  @inlinable @inline(__always)
  package static func with<R>(_ body: (GradientArguments) -> R) -> R {
    withUnsafeTemporaryAllocation(byteCount: byteCount, alignment: 64) {
      // The block is as large as was asked for, so it has an address.
      body(GradientArguments(base: $0.baseAddress.unsafelyUnwrapped))
    }
  }

  @inlinable
  package func set(_ field: Field, at index: Int = 0, _ value: Int) {
    base.storeBytes(of: value, toByteOffset: field.rawValue + 8 * index, as: Int.self)
  }

  @inlinable
  package func set(_ field: Field, _ address: UnsafeRawPointer) {
    set(field, Int(bitPattern: address))
  }

  /// Runs code on these arguments.
  @inlinable
  package func run(_ function: TileFunction) { function.pointer(base) }
}

extension TileWriter {
  /// The place of a word of a gradient's arguments.
  package func argument(_ field: GradientArguments.Field, _ index: Int = 0) -> Place {
    arguments + (field.rawValue + index * Integer.bytes)
  }

  /// Walks slices of rows: runs the body for each row, with the pointers at its first column; the body
  /// leaves them behind its last.
  ///
  /// - Parameters:
  ///   - rows: a register that counts; the body keeps it.
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
