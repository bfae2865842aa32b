// What the host calls: each kernel with a number of repetitions, and `main`, which prints an answer of each.

import kotlin.wasm.WasmExport

@WasmExport fun run_trees(n: Int): Int = trees(n)
@WasmExport fun run_search_tree(n: Int): Int = searchTree(n)
@WasmExport fun run_virtual_calls(n: Int): Int = virtualCalls(n)
@WasmExport fun run_lambdas(n: Int): Int = lambdas(n)
@WasmExport fun run_exceptions(n: Int): Int = exceptions(n)
@WasmExport fun run_deep_exceptions(n: Int): Int = deepExceptions(n)
@WasmExport fun run_int_map(n: Int): Int = intMap(n)
@WasmExport fun run_point_map(n: Int): Int = pointMap(n)
@WasmExport fun run_words(n: Int): Int = words(n)

fun main() {
    println("trees ${trees(3)}")
    println("search tree ${searchTree(3)}")
    println("virtual calls ${virtualCalls(20)}")
    println("lambdas ${lambdas(20)}")
    println("exceptions ${exceptions(20)}")
    println("deep exceptions ${deepExceptions(20)}")
    println("int map ${intMap(3)}")
    println("point map ${pointMap(3)}")
    println("words ${words(3)}")
}
