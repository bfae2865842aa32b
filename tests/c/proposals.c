// Proposals beyond the standard, each with its switch: what is on by default, how what is off is refused, and which artifacts are loaded.

#include "check.h"

typedef struct {
  const char* name;
  const char* setter_name;
  void (*setter)(wasm_config_t*, bool);
  bool is_on_by_default;
  const char* text;  // A module that needs nothing else.
} proposal_t;

static const proposal_t proposals[] = {
    {"wide arithmetic", "libwasm_config_set_wide_arithmetic", libwasm_config_set_wide_arithmetic, true,
     "(module (func (export \"f\") (param i64 i64) (result i64 i64) (i64.mul_wide_s (local.get 0) (local.get 1))))"},
    {"custom page sizes", "libwasm_config_set_custom_page_sizes", libwasm_config_set_custom_page_sizes, false,
     "(module (memory (export \"m\") 100 (pagesize 1)))"},
    {"threads", "libwasm_config_set_threads", libwasm_config_set_threads, true,
     "(module (memory (export \"m\") 1 1 shared) (func (export \"f\") (result i32) (i32.atomic.load (i32.const 0))))"},
    {"legacy exceptions", "libwasm_config_set_legacy_exceptions", libwasm_config_set_legacy_exceptions, true,
     "(module (tag $t) (func (export \"f\") try throw $t catch $t rethrow 0 end))"},
};

enum { PROPOSALS = sizeof proposals / sizeof proposals[0] };

static wasm_store_t* store_with(const proposal_t* proposal, bool enabled) {
  wasm_config_t* config = check_config();
  proposal->setter(config, enabled);
  wasm_engine_t* engine = wasm_engine_new_with_config(config);
  wasm_store_t* store = wasm_store_new(engine);
  CHECK(store);
  wasm_engine_delete(engine);
  return store;
}

static void accepted(wasm_store_t* store, const wasm_byte_vec_t* binary) {
  CHECK(wasm_module_validate(store, binary));
  wasm_module_t* module = wasm_module_new(store, binary);
  CHECK(module);
  wasm_module_delete(module);
}

static void refused(const proposal_t* proposal, wasm_store_t* store, const wasm_byte_vec_t* binary) {
  for (int i = 0; i < 2; i++) {
    if (i == 0) CHECK_REASON(!wasm_module_validate(store, binary));
    if (i == 1) CHECK_REASON(wasm_module_new(store, binary) == NULL);
    CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_UNSUPPORTED);
    CHECK(reason_says(proposal->name) && reason_says("switched off") && reason_says(proposal->setter_name));
  }
}

// The text format knows no engine: it translates what any could accept.
static void each_has_a_switch(const proposal_t* proposal) {
  wasm_byte_vec_t binary = check_wasm(proposal->text);
  wasm_store_t *by_default = check_store(), *on = store_with(proposal, true), *off = store_with(proposal, false);
  accepted(on, &binary);
  refused(proposal, off, &binary);
  proposal->is_on_by_default ? accepted(by_default, &binary) : refused(proposal, by_default, &binary);
  wasm_byte_vec_delete(&binary);

  // What is no module with the proposal on either is invalid, not unsupported.
  binary = check_wasm("(module (func (result i32)))");
  CHECK_REASON(!wasm_module_validate(off, &binary));
  CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_INVALID);
  wasm_byte_vec_delete(&binary);
  wasm_store_delete(by_default);
  wasm_store_delete(on);
  wasm_store_delete(off);
}

static wasm_byte_vec_t artifact_of(wasm_store_t* store, const char* text) {
  wasm_module_t* module = check_module(store, text);
  wasm_byte_vec_t artifact;
  wasm_module_serialize(module, &artifact);
  CHECK(artifact.size > 0);
  wasm_module_delete(module);
  return artifact;
}

static void artifacts_do_not_get_around_it(const proposal_t* proposal) {
  wasm_store_t *on = store_with(proposal, true), *off = store_with(proposal, false);
  wasm_byte_vec_t artifact = artifact_of(on, proposal->text);
  wasm_module_t* module = wasm_module_deserialize(on, &artifact);
  CHECK(module);
  wasm_module_delete(module);
  CHECK_REASON(wasm_module_deserialize(off, &artifact) == NULL);
  CHECK(libwasm_last_error_kind() == LIBWASM_ERROR_ARTIFACT);
  CHECK(reason_says(proposal->name) && reason_says("switched off") && reason_says(proposal->setter_name));
  wasm_byte_vec_delete(&artifact);

  // One that was made with less is loaded where more is on.
  artifact = artifact_of(off, "(module (func (export \"f\")))");
  CHECK(module = wasm_module_deserialize(on, &artifact));
  wasm_module_delete(module);
  wasm_byte_vec_delete(&artifact);
  wasm_store_delete(on);
  wasm_store_delete(off);
}

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

static void call_wide(wasm_func_t* func, size_t count, const int64_t in[], int64_t low, int64_t high) {
  wasm_val_t args[4], results[2];
  for (size_t i = 0; i < count; i++) args[i] = (wasm_val_t)WASM_I64_VAL(in[i]);
  wasm_val_vec_t args_vec = {count, args}, results_vec = {2, results};
  CHECK(wasm_func_call(func, &args_vec, &results_vec) == NULL);
  CHECK(results[0].of.i64 == low && results[1].of.i64 == high);
}

// Against the compiler's own 128-bit integers, where one operand lies in memory, is constant, or is used again.
static void wide_arithmetic(void) {
  wasm_store_t* store = check_store();
  wasm_instance_t* instance = check_instance(
      store,
      "(module (memory 1) (data (i32.const 65520) \"\\ff\\ff\\ff\\ff\\ff\\ff\\ff\\ff\\fe\\ff\\ff\\ff\\ff\\ff\\ff\\7f\")"
      "  (func (export \"add\") (param i64 i64 i64 i64) (result i64 i64)"
      "    (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))"
      "  (func (export \"sub\") (param i64 i64 i64 i64) (result i64 i64)"
      "    (i64.sub128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))"
      "  (func (export \"muls\") (param i64 i64) (result i64 i64) (i64.mul_wide_s (local.get 0) (local.get 1)))"
      "  (func (export \"mulu\") (param i64 i64) (result i64 i64) (i64.mul_wide_u (local.get 0) (local.get 1)))"
      "  (func (export \"add memory\") (param i64 i64) (result i64 i64)"
      "    (i64.add128 (local.get 0) (local.get 1)"
      "      (i64.load (i32.const 65520)) (i64.load (i32.const 65528))))"
      "  (func (export \"mul memory\") (param i64) (result i64 i64)"
      "    (i64.mul_wide_s (local.get 0) (i64.load (i32.const 65528))))"
      "  (func (export \"add carry\") (param i64 i64) (result i64 i64)"
      "    (i64.add128 (local.get 0) (i64.const 0) (local.get 1) (i64.const 0)))"
      "  (func (export \"twice\") (param i64 i64) (result i64 i64) (local i64 i64)"
      "    (i64.mul_wide_u (local.get 0) (local.get 1)) (local.set 3) (local.tee 2) (local.get 3)"
      "    (i64.add128 (local.get 2) (local.get 3)))"
      "  (func (export \"past the end\") (result i64 i64)"
      "    (i64.mul_wide_s (i64.const 3) (i64.load (i32.const 65529)))))",
      0);
  wasm_func_t* funcs[9];
  for (size_t i = 0; i < 9; i++) funcs[i] = check_func(instance, i);
  const int64_t edges[] = {0, 1, 2, -1, -2, INT64_MAX, INT64_MIN, INT64_MIN + 1, 0x100000000, 0x123456789abcdef0, -0x7edcba9876543210};
  enum { EDGES = sizeof edges / sizeof edges[0] };
  for (size_t i = 0; i < EDGES; i++) {
    for (size_t j = 0; j < EDGES; j++) {
      int64_t a = edges[i], b = edges[j], in_memory = 0x7ffffffffffffffe;
      int128 is = (int128)a * b;
      uint128 iu = (uint128)(uint64_t)a * (uint64_t)b;
      call_wide(funcs[2], 2, (int64_t[]){a, b}, (int64_t)is, (int64_t)(is >> 64));
      call_wide(funcs[3], 2, (int64_t[]){a, b}, (int64_t)iu, (int64_t)(iu >> 64));
      is = (int128)a * in_memory;
      call_wide(funcs[5], 1, (int64_t[]){a}, (int64_t)is, (int64_t)(is >> 64));
      uint128 sum = (uint128)(uint64_t)a + (uint64_t)b;
      call_wide(funcs[6], 2, (int64_t[]){a, b}, (int64_t)sum, (int64_t)(sum >> 64));
      iu += iu;
      call_wide(funcs[7], 2, (int64_t[]){a, b}, (int64_t)iu, (int64_t)(iu >> 64));
      uint128 x = (uint128)(uint64_t)b << 64 | (uint64_t)a;
      sum = x + ((uint128)(uint64_t)in_memory << 64 | UINT64_MAX);
      call_wide(funcs[4], 2, (int64_t[]){a, b}, (int64_t)sum, (int64_t)(sum >> 64));
      for (size_t k = 0; k < EDGES; k++) {
        int64_t c = edges[k], d = edges[(i + 3 * j + 5 * k) % EDGES];
        uint128 y = (uint128)(uint64_t)d << 64 | (uint64_t)c;
        call_wide(funcs[0], 4, (int64_t[]){a, b, c, d}, (int64_t)(x + y), (int64_t)((x + y) >> 64));
        call_wide(funcs[1], 4, (int64_t[]){a, b, c, d}, (int64_t)(x - y), (int64_t)((x - y) >> 64));
      }
    }
  }
  wasm_trap_t* trap = check_trap(funcs[8]);
  CHECK(libwasm_trap_code(trap) == LIBWASM_TRAP_MEMORY_OUT_OF_BOUNDS);
  wasm_trap_delete(trap);
  for (size_t i = 0; i < 9; i++) wasm_func_delete(funcs[i]);
  wasm_instance_delete(instance);
  wasm_store_delete(store);
}

int main(void) {
  for (size_t i = 0; i < PROPOSALS; i++) {
    each_has_a_switch(&proposals[i]);
    artifacts_do_not_get_around_it(&proposals[i]);
    // NULL does nothing.
    CHECK_REASON((proposals[i].setter(NULL, true), true));
  }
  wide_arithmetic();
  return 0;
}
