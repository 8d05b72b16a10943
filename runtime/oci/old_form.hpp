// config.json as davit wrote it before its fields had annotations of their own: the whole Spec a second time, as text
// in the annotation "davit.spec".
#pragma once

#include "runtime/spec.hpp"

#include <map>
#include <string>

namespace davit::runtime::oci {

bool is_old_form(const std::map<std::string, std::string>& annotations);
Spec from_old_form(const std::map<std::string, std::string>& annotations);

} // namespace davit::runtime::oci
