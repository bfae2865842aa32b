// Calls whose target the object decides: through classes, interfaces and functions as values.

private interface Shape {
    fun area(): Double
    fun scaled(by: Double): Shape
}

private abstract class Named(val name: String) : Shape {
    open fun weight(): Int = name.length
}

private class Square(val side: Double) : Named("square") {
    override fun area() = side * side
    override fun scaled(by: Double) = Square(side * by)
}

private class Circle(val radius: Double) : Named("circle") {
    override fun area() = 3.0 * radius * radius
    override fun scaled(by: Double) = Circle(radius * by)
    override fun weight() = 7
}

private class Rectangle(val a: Double, val b: Double) : Named("rectangle") {
    override fun area() = a * b
    override fun scaled(by: Double) = Rectangle(a * by, b * by)
}

private object Nothing : Shape {
    override fun area() = 0.0
    override fun scaled(by: Double) = this
}

private val shapes: List<Shape> = List(1000) {
    when (it * 7 % 4) {
        0 -> Square(it * 0.5)
        1 -> Circle(it * 0.25)
        2 -> Rectangle(it * 0.125, 2.0)
        else -> Nothing
    }
}

/** Interfaces, overridden methods and `is`, on a list of four classes. */
fun virtualCalls(n: Int): Int {
    var area = 0.0
    var weight = 0
    repeat(n) { round ->
        for (shape in shapes) {
            area += shape.area()
            if (shape is Named) weight += shape.weight()
            if (round and 7 == 0) area -= shape.scaled(0.5).area()
        }
    }
    return weight + (area / 1000).toLong().toInt()
}

/** Functions as values, with what they capture, in a chain of collection operations. */
fun lambdas(n: Int): Int {
    var sum = 0
    val numbers = List(500) { it }
    repeat(n) { round ->
        val add = { x: Int -> x + round }
        val steps: List<(Int) -> Int> = listOf(add, { it * 3 }, { it xor sum })
        sum += numbers.map { number -> steps.fold(number) { value, step -> step(value) } }
            .filter { it and 1 == 0 }
            .sumOf { it and 0xffff }
    }
    return sum
}
