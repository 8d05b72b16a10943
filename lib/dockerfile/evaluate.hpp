// A Dockerfile and what the command line says of the build → the steps to do.
#pragma once

#include "davit/error.hpp"
#include "dockerfile/instructions.hpp"
#include "dockerfile/steps.hpp"
#include "dockerfile/words.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace davit::dockerfile {

// What the evaluation must know of an image that a stage is made from.
struct BaseImage {
    image::Config config;
    std::string platform; // of its configuration: "linux/amd64"; empty: unknown
    std::string author;
};

struct EvaluateOptions {
    // --build-arg, those without a value resolved by the caller; of one given twice the last. Proxy variables
    // (http_proxy, https_proxy, ftp_proxy, no_proxy, all_proxy, in any case) need no ARG; BUILDKIT_SYNTAX and
    // BUILDKIT_DOCKERFILE_CHECK take the place of the directives.
    Variables build_args;
    std::string target;                        // a stage's name; empty: the last
    std::string platform;                      // asked for; empty: the build platform, or the base's
    std::string build_platform;                // of this machine: "linux/amd64"; must be given
    std::vector<std::string> named_contexts;   // names of --build-context; each takes the place of a stage or an image
    std::map<std::string, std::string> labels; // of the result
    // Of Kind::image and Kind::named, asked only for what the target needs, one after the other, each Input once.
    // nullopt: a named context that is files alone. What it throws leaves evaluate() with the place of FROM. Not set:
    // all images are as scratch.
    std::function<std::optional<BaseImage>(const Input&)> base_image;
    bool checking = false;                    // what only doing it would show is no mistake; check() sets it
    bool all_stages = false;                  // evaluate stages that the target does not need: for checks
    std::vector<std::string> ignore_patterns; // of .dockerignore, for the check CopyIgnoredFile
};

// Throws Errc::invalid_project with the place, Errc::not_found for the target, Errc::unsupported for another frontend.
Evaluated evaluate(const Document& document, const EvaluateOptions& options);

// A secret or an agent that RUN of the target, or of what it is made from, mounts.
struct Requirement {
    std::string name;
    bool required = false; // by one of them
    bool operator==(const Requirement&) const = default;
};

struct Checked {
    std::vector<Check> checks;
    std::optional<Error> failure;          // evaluation ended here
    std::vector<Parameter> parameters;     // as in Evaluated
    std::vector<Requirement> secrets, ssh; // each name once, in the order of the file
};
// Never throws for what the Dockerfile says. all_stages is on for the checks where no target is named.
Checked check(const Document& document, EvaluateOptions options);
// Of what stands before an instruction that cannot be read, see read_document(). Throws as evaluate() for the check
// directive.
std::vector<Check> check_before(const Document& part, const EvaluateOptions& options);

// The images and named contexts that FROM of the stages which the target needs names, each once: what base_image will
// be asked for, but for those that triggers of these images bring.
std::vector<Input> bases(const Document& document, const EvaluateOptions& options);

} // namespace davit::dockerfile
