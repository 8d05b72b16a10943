// SOURCE_DATE_EPOCH by name: the time of a context, or of what a stage adds.
#pragma once

#include "build/session.hpp"
#include "dockerfile/evaluate.hpp"
#include "dockerfile/instructions.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace davit::build {

// "context", the name of a --build-context, or of a stage that is nothing but one remote ADD. nullopt: what it names
// has no time of its own. Blocks on the network and on archives, until the session is stopped. Errc::usage: it names
// nothing; invalid_project: such a stage is another.
std::optional<std::int64_t> named_epoch(const std::string& name, const dockerfile::Document& document,
                                        const dockerfile::EvaluateOptions& options, const Session& session);

// What the build's arguments, or the ARGs before the first FROM, say; nullopt: nothing.
std::optional<std::string> written_epoch(const dockerfile::Document& document,
                                         const dockerfile::EvaluateOptions& options);

} // namespace davit::build
