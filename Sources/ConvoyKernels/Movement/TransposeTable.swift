/// Copies a table whose columns are lines of the source to one whose rows are lines of the target,
/// four by four.
///
/// - Parameters:
///   - sourceStride: elements between neighbouring columns of the source.
///   - targetStride: elements between neighbouring rows of the target.
@inline(__always)
func transposeTable<Bits: SIMDScalar>(
  _ from: UnsafePointer<Bits>, _ to: UnsafeMutablePointer<Bits>, rows: Int, columns: Int,
  sourceStride: Int, targetStride: Int
) {
  var row = 0
  while row + 4 <= rows {
    let result = to + row * targetStride
    var column = 0
    while column + 4 <= columns {
      transposeFour(
        from + column * sourceStride + row, sourceStride, result + column, targetStride)
      column += 4
    }
    while column < columns {
      let line = from + column * sourceStride + row
      for step in 0..<4 { result[step * targetStride + column] = line[step] }
      column += 1
    }
    row += 4
  }
  while row < rows {
    let result = to + row * targetStride
    for column in 0..<columns { result[column] = from[column * sourceStride + row] }
    row += 1
  }
}

/// Transposes a table of 4 × 4 elements.
@inline(__always)
private func transposeFour<Bits: SIMDScalar>(
  _ from: UnsafePointer<Bits>, _ sourceStride: Int, _ to: UnsafeMutablePointer<Bits>,
  _ targetStride: Int
) {
  let four = transposed(
    from.four, (from + sourceStride).four, (from + 2 * sourceStride).four,
    (from + 3 * sourceStride).four)
  to.four = four.0
  (to + targetStride).four = four.1
  (to + 2 * targetStride).four = four.2
  (to + 3 * targetStride).four = four.3
}

/// The columns of a table of four lines of four elements.
@inline(__always)
func transposed<Bits: SIMDScalar>(
  _ a: SIMD4<Bits>, _ b: SIMD4<Bits>, _ c: SIMD4<Bits>, _ d: SIMD4<Bits>
) -> (SIMD4<Bits>, SIMD4<Bits>, SIMD4<Bits>, SIMD4<Bits>) {
  (
    SIMD4(a[0], b[0], c[0], d[0]), SIMD4(a[1], b[1], c[1], d[1]), SIMD4(a[2], b[2], c[2], d[2]),
    SIMD4(a[3], b[3], c[3], d[3])
  )
}

extension UnsafePointer where Pointee: SIMDScalar {
  /// Four elements at any address.
  @inline(__always)
  var four: SIMD4<Pointee> {
    UnsafeRawPointer(self).loadUnaligned(as: SIMD4<Pointee>.self)
  }
}

extension UnsafeMutablePointer where Pointee: SIMDScalar {
  /// Four elements at any address.
  @inline(__always)
  var four: SIMD4<Pointee> {
    get { UnsafeRawPointer(self).loadUnaligned(as: SIMD4<Pointee>.self) }
    nonmutating set {
      UnsafeMutableRawPointer(self).storeBytes(of: newValue, as: SIMD4<Pointee>.self)
    }
  }
}
