;; Calls the host's function `hello` when `run` is called.
(module
  (import "host" "hello" (func $hello))
  (func (export "run") (call $hello)))
