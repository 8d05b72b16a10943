// The names under which steps' results are known. Pure.
//
// A key is the digest of all that a step's result depends on and nothing else: no times, no secrets' values, no
// addresses of --add-host. What COPY takes counts by its contents, so a stage that was built again to the same files
// changes nothing after it.
#pragma once

#include "davit/build.hpp"
#include "dockerfile/steps.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace davit::build {

// With what it is made of, so that a build can say why a step has another key than before.
struct StepKey {
    std::string digest; // the key
    std::string parent, content, rest;
};

// Of what a stage begins with.
std::string scratch_key();
std::string image_key(const std::vector<std::string>& diff_ids, const std::string& platform);

// sources: of each mount with one, in order: the key of the stage or image, or the digest of the files.
StepKey run_key(const std::string& parent, const dockerfile::Step& step, const dockerfile::RunStep& run,
                const BuildRequest& request, const std::string& platform, const std::vector<std::string>& sources);
// content: what identifies the sources, see above; with --link the parent does not count.
StepKey copy_key(const std::string& parent, const dockerfile::CopyStep& copy, const std::string& content);
// content of copy_key() before the files are read: which of the stage's or image's files they are.
std::string unread_content(const std::string& layers, const dockerfile::CopyStep& copy);
// Of a stage after a step with --link, whose own key says nothing of what it was put onto.
std::string linked_key(const std::string& below, const std::string& copy);
// epoch: the time that the directory gets, where it is given.
StepKey workdir_key(const std::string& parent, const dockerfile::Step& step, const std::string& path,
                    std::optional<std::int64_t> epoch = {});

} // namespace davit::build
