// For the few functions whose speed depends on being inlined wherever they are called.
#pragma once

/// Before a declaration, and between the parameters and the body of a lambda. Nothing where speed
/// is not the point: a sanitizer's checks make every copy several times as long to compile.
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define LODESTAR_ALWAYS_INLINE __attribute__((always_inline))
#else
#define LODESTAR_ALWAYS_INLINE
#endif
