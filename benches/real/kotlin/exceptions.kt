// Exceptions: thrown and caught in the same function, through ten frames, and `finally` on the way.

private class Refused(val code: Int) : RuntimeException()

private fun refuse(code: Int): Int = if (code and 1 == 1) throw Refused(code) else code

private fun deeper(depth: Int, code: Int): Int = if (depth == 0) refuse(code) else deeper(depth - 1, code) + 1

private var closed = 0

private fun closing(depth: Int, code: Int): Int {
    try {
        return if (depth == 0) refuse(code) else closing(depth - 1, code)
    } finally {
        closed += depth
    }
}

/** Every other call throws, and its caller catches. */
fun exceptions(n: Int): Int {
    var sum = 0
    repeat(n) {
        for (code in 0 until 200) {
            sum += try { refuse(code) } catch (refused: Refused) { -refused.code }
        }
        sum = sum * 31 + it
    }
    return sum
}

/** Every other call throws ten frames deeper, half of them through `finally`. */
fun deepExceptions(n: Int): Int {
    var sum = 0
    repeat(n) {
        for (code in 0 until 50) {
            sum += try { deeper(10, code) } catch (refused: Refused) { -refused.code }
            sum += try { closing(10, code) } catch (refused: RuntimeException) { 3 }
        }
        sum = sum * 31 + closed
    }
    closed = 0
    return sum
}
