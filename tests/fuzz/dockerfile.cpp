// Dockerfiles of any text: evaluated or refused with a place; what is evaluated is complete.
#include "dockerfile/evaluate.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

using namespace davit;
using namespace davit::dockerfile;

namespace {

void require(bool fact) {
    if (!fact) __builtin_trap();
}

std::optional<BaseImage> base_image(const Input& input) {
    if (input.name == "files") return std::nullopt;
    BaseImage out;
    out.config.env = {"PATH=/bin", "A=a"};
    out.config.working_dir = "/w";
    if (input.name == "triggers") out.config.onbuild = {"RUN <<E\n#!x\nE", "COPY --from=a b c", "ENV B=$A"};
    return out;
}

void check_step(const Step& step, int lines) {
    require(step.place.first_line >= 1 && step.place.last_line <= lines);
    require(step.history.empty() == step.instruction.starts_with("ONBUILD ") || !step.history.empty());
    if (const auto* copy = std::get_if<CopyStep>(&step.action)) require(copy->destination.starts_with('/'));
    if (const auto* workdir = std::get_if<WorkdirStep>(&step.action)) require(workdir->path.starts_with('/'));
    if (const auto* run = std::get_if<RunStep>(&step.action)) {
        require(!run->args.empty());
        for (const RunMount& mount : run->mounts)
            require(mount.env || (mount.target.starts_with('/') && mount.target.size() > 1));
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    EvaluateOptions options;
    options.build_platform = "linux/amd64";
    options.base_image = base_image;
    options.all_stages = size % 2 == 0;
    options.build_args.set("GIVEN", "g $A");
    options.build_args.set("http_proxy", "p");
    options.named_contexts = {"files"};
    options.ignore_patterns = {"x", "**/y"};
    const int lines = static_cast<int>(std::count(text.begin(), text.end(), '\n')) + 1;
    try {
        const Document document = read_document(text, "Dockerfile");
        bases(document, options);
        const Evaluated result = evaluate(document, options);
        require(result.stages.size() == document.stages.size() && result.target >= 0);
        for (const Stage& stage : result.stages)
            for (const Step& step : stage.steps) check_step(step, lines);
        for (const Check& check : result.checks) require(!check.rule.empty() && check.place.first_line >= 1);
    } catch (const Error& e) {
        require(e.at().line <= lines && *e.what() != '\0');
        require(e.at().line >= 1 || e.kind() == Errc::usage || e.kind() == Errc::not_found);
    }
    return 0;
}
