// A C++ exception as words: it must not cross into Rust.

#pragma once

#include <cstddef>
#include <cstdio>
#include <exception>

template <typename Work>
bool said(char *words, size_t room, Work work) noexcept {
  try {
    work();
    return true;
  } catch (const std::exception &refused) {
    std::snprintf(words, room, "%s", refused.what());
  } catch (...) {
    std::snprintf(words, room, "an exception without words");
  }
  return false;
}
