import ConvoyTensors
import ConvoyTiles

/// What a generated tile kernel of a weight gradient is told: a block of memory whose address is its one
/// argument.
///
/// The kernel walks slices of rows of columns. Its pointers run on, so that steps are from behind the last
/// column of a row, or band of rows, to the first of the next, and from behind a slice's last row on.
struct GradientArguments {
  /// A field, by its distance in bytes.
  enum Field: Int {
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
  static let maximalOffsets = 12
  private static let byteCount = Field.offsets.rawValue + 8 * maximalOffsets

  private let base: UnsafeMutableRawPointer

  /// Runs a body with a block on the stack.
  @inline(__always)
  static func with<R>(_ body: (GradientArguments) -> R) -> R {
    withUnsafeTemporaryAllocation(byteCount: byteCount, alignment: 64) {
      // The block is as large as was asked for, so it has an address.
      body(GradientArguments(base: $0.baseAddress.unsafelyUnwrapped))
    }
  }

  func set(_ field: Field, at index: Int = 0, _ value: Int) {
    base.storeBytes(of: value, toByteOffset: field.rawValue + 8 * index, as: Int.self)
  }

  func set(_ field: Field, _ address: UnsafeRawPointer) { set(field, Int(bitPattern: address)) }

  /// Sets what is walked: tiles of rows × columns that cover some pixels.
  ///
  /// - Parameters:
  ///   - pixels: how many rows and columns in each slice.
  ///   - tile: rows and columns of a tile, whose multiples they are.
  ///   - grid: where the pixels are.
  func set(
    _ pixels: (rows: Int, columns: Int, slices: Int), tile: (rows: Int, columns: Int),
    _ grid: GradientGrid
  ) {
    let bands = pixels.rows / tile.rows
    set(.columns, pixels.columns / tile.columns)
    set(.rows, bands)
    set(.slices, pixels.slices)
    let (image, gradient) = (grid.image, grid.gradient)
    set(.imageRowStep, 4 * (tile.rows * image.row - pixels.columns * image.column))
    set(.gradientRowStep, 4 * (tile.rows * gradient.row - pixels.columns * gradient.column))
    set(.imageSliceStep, 4 * (image.slice - pixels.rows * image.row))
    set(.gradientSliceStep, 4 * (gradient.slice - pixels.rows * gradient.row))
    set(.gradientPitch, 4 * gradient.row)
  }

  /// Runs a kernel on these arguments.
  func run(_ function: TileFunction) { function.pointer(base) }
}

extension TileWriter {
  /// The place of a word of a gradient's arguments.
  func argument(_ field: GradientArguments.Field, _ index: Int = 0) -> Place {
    arguments + (field.rawValue + index * Integer.bytes)
  }

  /// Walks slices of rows: runs the body for each row, with the pointers at its first column; the body
  /// leaves them behind its last.
  ///
  /// - Parameters:
  ///   - rows: a register that counts; the body keeps it.
  ///   - scratch: a register that is overwritten between rows.
  func walkRows(
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
