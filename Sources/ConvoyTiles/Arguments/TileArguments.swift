public import ConvoyTensors

/// A word of a block of arguments.
public protocol ArgumentField: Sendable {
  /// Bytes from the block's beginning.
  var offset: Int { get }
  /// The size of the block in bytes.
  static var byteCount: Int { get }
}

extension ArgumentField where Self: RawRepresentable<Int> {
  /// The raw value.
  @inlinable
  public var offset: Int { rawValue }
}

/// A field of one family of tiles, whose block has the `CommonField`s too.
public protocol TileField: ArgumentField {}

extension TileField {
  /// See `CommonField.byteCount`.
  @inlinable
  public static var byteCount: Int { CommonField.byteCount }
}

/// The fields that tiles share, those of weight gradients excepted: what loops over tiles and
/// epilogues need.
public enum CommonField: Int, ArgumentField {
  /// The number of adjacent tiles; at least one.
  case tiles = 0
  /// The addresses of up to 4 rows of the input, or of several inputs.
  case inputs = 64
  /// The addresses of each row of up to 4 planes of the output: first the rows of the first
  /// plane.
  case outputs = 96
  /// 16 initial values of sums for each of up to 4 planes.
  case bias = 256
  /// Bytes from an output to the residual that is added to it, for each of up to 4 planes.
  case residuals = 576
  /// The two parameters of the epilogue's function, each in 8 lanes.
  case parameters = 640
  /// Memory for registers that the epilogue saves.
  case aside = 768

  /// Rows of a tile, at most.
  public static let maximalRows = 4
  /// Planes of a tile, at most.
  public static let maximalPlanes = 4
  /// The bytes of a number that is repeated for all lanes: those of 8 lanes.
  public static let repeatedBytes = 8 * MemoryLayout<Float>.size
  /// The size of a block with these fields.
  public static let byteCount =
    CommonField.aside.rawValue + FormulaCode.asideBytes * ActivationCode.maximalTemporaries
}

/// The fields of tiles that have only common ones.
public enum NoField: TileField {
  /// There is none.
  public var offset: Int { switch self {} }
}

/// The arguments of a generated micro-kernel: a block of memory, whose address is the function's
/// only argument.
///
/// The fields are words of 8 bytes, at fixed offsets that are constants in the code. Each family of
/// tiles has fields of its own, besides the common ones.
///
/// Public for the compiler alone: it inlines public functions into another module, `package` ones
/// not.
public struct TileArguments<Field: ArgumentField> {
  /// The address of the block.
  public let base: UnsafeMutableRawPointer

  @inlinable
  init(base: UnsafeMutableRawPointer) { self.base = base }

  /// Runs a body with a block on the stack.
  @inlinable @inline(__always)
  public static func with<R>(_ body: (TileArguments) -> R) -> R {
    withUnsafeTemporaryAllocation(byteCount: Field.byteCount, alignment: 64) {
      // The buffer is not empty, so it has an address.
      body(TileArguments(base: $0.baseAddress.unsafelyUnwrapped))
    }
  }

  /// Sets a word of a field.
  @inlinable
  public func set(_ field: Field, at index: Int = 0, _ value: Int) {
    store(value, at: field.offset + 8 * index)
  }

  /// Sets a word of a field to an address.
  ///
  /// - Parameter offset: bytes from the field to the word.
  @inlinable
  public func set(
    _ field: Field, at index: Int = 0, offset: Int = 0, _ address: UnsafeRawPointer
  ) {
    store(Int(bitPattern: address), at: field.offset + 8 * index + offset)
  }

  @inlinable
  func store(_ word: Int, at offset: Int) {
    base.storeBytes(of: word, toByteOffset: offset, as: Int.self)
  }

  /// Calls code with these arguments.
  @inlinable
  public func run(_ function: TileFunction) { function.pointer(base) }
}

extension TileArguments where Field: TileField {
  /// Sets a word of a common field.
  @inlinable
  public func set(_ field: CommonField, at index: Int = 0, _ value: Int) {
    store(value, at: field.offset + 8 * index)
  }

  /// Sets a word of a common field to an address.
  @inlinable
  public func set(_ field: CommonField, at index: Int = 0, _ address: UnsafeRawPointer) {
    store(Int(bitPattern: address), at: field.offset + 8 * index)
  }

  /// The same block, for tiles of another family: kernels with several passes have one block.
  @inlinable
  public func arguments<Other: TileField>(of family: Other.Type) -> TileArguments<Other> {
    TileArguments<Other>(base: base)
  }

  /// Moves a single plane's initial values to the lanes of folded sums: to each output's first
  /// lane.
  public func spreadBias(factor: Int) {
    let bias = base.load(fromByteOffset: CommonField.bias.rawValue, as: SIMD16<Float>.self)
    var spread = SIMD16<Float>.zero
    for output in 0..<PlaneLayout.lanes / factor { spread[output * factor] = bias[output] }
    base.storeBytes(of: spread, toByteOffset: CommonField.bias.rawValue, as: SIMD16<Float>.self)
  }

  /// Sets the parameters of a function.
  public func set(parametersOf function: ScalarFunction) {
    let (first, second) = function.activation.parameters
    for (index, parameter) in [first, second].enumerated() {
      base.storeBytes(
        of: SIMD8(repeating: parameter),
        toByteOffset: CommonField.parameters.rawValue + index * CommonField.repeatedBytes,
        as: SIMD8<Float>.self)
    }
  }
}

extension TileWriter {
  /// The place of a word of the arguments.
  package func argument(_ field: CommonField, _ index: Int = 0) -> Place {
    arguments + (field.offset + index * Integer.bytes)
  }

  /// The place of a word of a field of the tile's own.
  package func argument(_ field: some ArgumentField, _ index: Int = 0) -> Place {
    arguments + (field.offset + index * Integer.bytes)
  }
}
