/// A vector register, by its place among those of the writer's processor.
package struct Vector: Hashable, Sendable {
  package let number: Int

  package init(_ number: Int) { self.number = number }
}

/// A 64-bit register that holds an address, a distance in bytes or a count.
package struct Integer: Hashable, Sendable {
  package let number: Int

  /// Bytes that the register holds, and of such an integer in memory.
  package static let bytes = 8

  package init(_ number: Int) { self.number = number }
}

/// A register of bits, one for each lane of a vector; only where `VectorUnit.hasMasks`.
package struct LaneMask: Hashable, Sendable {
  package let number: Int

  package init(_ number: Int) { self.number = number }
}

/// An address: base + index · scale + displacement, in bytes. Written as a sum: `input + offset + 64`.
package struct Place: Hashable, Sendable {
  /// A register times 1, 2, 4 or 8.
  package struct Index: Hashable, Sendable {
    package var register: Integer
    package var scale: Int
  }

  package var base: Integer
  package var index: Index?
  package var displacement: Int

  package init(_ base: Integer, index: Index? = nil, displacement: Int = 0) {
    self.base = base
    self.index = index
    self.displacement = displacement
  }

  /// The place some bytes further.
  package static func + (place: Place, bytes: Int) -> Place {
    Place(place.base, index: place.index, displacement: place.displacement + bytes)
  }

  /// The place as many bytes further as a register holds.
  package static func + (place: Place, index: Integer) -> Place { place + index * 1 }

  /// The place at a scaled index; a place has one at most.
  package static func + (place: Place, index: Index) -> Place {
    precondition(place.index == nil, "a place has one index, not two")
    return Place(place.base, index: index, displacement: place.displacement)
  }
}

extension Integer {
  /// The place that the register holds the address of.
  package var place: Place { Place(self) }

  /// The register times 1, 2, 4 or 8, to be added to a place.
  package static func * (register: Integer, scale: Int) -> Place.Index {
    Place.Index(register: register, scale: scale)
  }

  package static func + (base: Integer, bytes: Int) -> Place { base.place + bytes }
  package static func + (base: Integer, index: Integer) -> Place { base.place + index }
  package static func + (base: Integer, index: Place.Index) -> Place { base.place + index }
}

/// The last operand of vector arithmetic.
package enum Operand: Hashable, Sendable {
  /// What a register holds.
  case vector(Vector)
  /// A whole vector in memory.
  case memory(Place)
  /// One number in memory, for all lanes. It must stand there as often as `ConstantTable` would have it.
  case repeated(Place)
}

/// What may be written where an `Operand` is expected.
package protocol OperandConvertible {
  var operand: Operand { get }
}

extension Operand: OperandConvertible {
  package var operand: Operand { self }
}

extension Vector: OperandConvertible {
  package var operand: Operand { .vector(self) }
}

extension Place: OperandConvertible {
  package var operand: Operand { .memory(self) }
}

/// A question to each lane of a vector: `Condition(x, .greater, bound)`.
package struct Condition: Sendable {
  /// Where a lane of either side is not a number, those that begin with `not` hold, the others do not.
  package enum Relation: Hashable, Sendable, CaseIterable {
    case equal, less, lessOrEqual, greater, notLess, notLessOrEqual
  }

  package var left: Vector
  package var relation: Relation
  package var right: Operand

  package init(_ left: Vector, _ relation: Relation, _ right: some OperandConvertible) {
    self.left = left
    self.relation = relation
    self.right = right.operand
  }
}
