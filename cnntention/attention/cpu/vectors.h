// Vectors of floats, and 2^x on them. at::vec gives the width and the instructions of AVX2, AVX-512 or NEON.
#pragma once

#include <ATen/cpu/vec/functional.h>

#include <cstdint>
#include <cstring>

using Vec = at::vec::Vectorized<float>;
constexpr int64_t WIDTH = Vec::size();
constexpr float LOG2_E = 1.44269504088896340736f;

inline int64_t round_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

inline float sum(Vec x) {
  return at::vec::vec_reduce_all<float>([](Vec a, Vec b) { return a + b; }, x);
}

// p with p(f) = 2^f for f in [0, 1), its relative error made as small as a polynomial of that degree can (Lawson's
// algorithm): 7.5e-8 where `exact`, else 7.5e-5, a fiftieth of what bf16 rounds off.
template <bool exact>
inline Vec power_of_fraction(Vec f) {
  using at::vec::fmadd;
  if constexpr (exact) {
    Vec p = fmadd(Vec(1.87757668e-3f), f, Vec(8.98934014e-3f));
    p = fmadd(p, f, Vec(5.58263179e-2f));
    p = fmadd(p, f, Vec(2.40153617e-1f));
    p = fmadd(p, f, Vec(6.93153073e-1f));
    return fmadd(p, f, Vec(9.99999925e-1f));
  } else {
    Vec p = fmadd(Vec(7.80245233e-2f), f, Vec(2.26067159e-1f));
    p = fmadd(p, f, Vec(6.95833537e-1f));
    return fmadd(p, f, Vec(9.99925219e-1f));
  }
}

// 2^x for x < 128; what is below 2^-126, float's least normal number, may come out as 0 or as 2^-126.
template <bool exact>
inline Vec exp2(Vec x) {
#if defined(CPU_CAPABILITY_AVX512)
  constexpr int floor = 1;  // scalef takes 2^floor(x) itself
  return _mm512_scalef_ps(power_of_fraction<exact>(_mm512_reduce_ps(x, floor)), x);
#else
  typedef int32_t Bits __attribute__((vector_size(sizeof(Vec))));
  // Beside 1.5 * 2^23 only the whole part of a number is left, in the lowest bits of its mantissa.
  const Vec shift(12582912.f);
  x = at::vec::maximum(x, Vec(-126.f));
  const Vec shifted = (x - Vec(0.5f)) + shift;
  const Vec power = power_of_fraction<exact>(x - (shifted - shift));
  Bits whole, bits;
  std::memcpy(&whole, &shifted, sizeof(Vec));
  std::memcpy(&bits, &power, sizeof(Vec));
  bits += whole << 23;
  Vec result;
  std::memcpy(&result, &bits, sizeof(Vec));
  return result;
#endif
}
