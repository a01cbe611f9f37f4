/// A vector register, by its index among those of the writer's processor.
package struct Vector: Hashable, Sendable {
  package let number: Int

  package init(_ number: Int) { self.number = number }
}

/// A 64-bit register that holds an address, a distance in bytes or a count.
package struct Integer: Hashable, Sendable {
  package let number: Int

  /// The bytes of the register, and of such an integer in memory.
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

  /// The place a number of bytes further.
  package static func + (place: Place, bytes: Int) -> Place {
    Place(place.base, index: place.index, displacement: place.displacement + bytes)
  }

  /// The place further by the bytes in a register.
  package static func + (place: Place, index: Integer) -> Place { place + index * 1 }

  /// The place at a scaled index; a place has at most one.
  package static func + (place: Place, index: Index) -> Place {
    precondition(place.index == nil, "a place has one index, not two")
    return Place(place.base, index: index, displacement: place.displacement)
  }
}

extension Integer {
  /// The place at the address that the register holds.
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
  /// The contents of a register.
  case vector(Vector)
  /// A whole vector in memory.
  case memory(Place)
  /// One number in memory, for all lanes. It must be stored as often as `ConstantTable` stores
  /// numbers.
  case repeated(Place)
}

/// A type that may be used where an `Operand` is expected.
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

/// A comparison in each lane of a vector: `Condition(x, .greater, bound)`.
package struct Condition: Sendable {
  /// If either operand is NaN in a lane, relations that begin with `not` hold there, and others do
  /// not.
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
