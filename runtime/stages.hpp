// What a report of the set-up means to a reader.
#pragma once

#include "davit/error.hpp"
#include "runtime/exec/report.hpp"

#include <string>

namespace davit::runtime {

// "while setting up …" with errno, kind and exit code (127 not found, 126 not executable).
Error error_from_report(const exec::Report& report);
std::string warning_from_report(const exec::Report& report);

} // namespace davit::runtime
