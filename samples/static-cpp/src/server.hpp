// A server of one answer.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

// Answers each request with what `answer` gives. Returns only when the port cannot be had.
int serve(std::uint16_t port, const std::function<std::string()>& answer);

// The answer of a server on this machine; empty: none.
std::string ask(std::uint16_t port);
