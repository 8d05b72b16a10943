// Where a container's lines go: to CloudWatch, but for the drivers that ECS has itself.
#include "export/ecs/plan.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports::ecs {

namespace {

bool has_driver(const Task& task, std::string_view driver) {
    if (driver == "awslogs" || driver == "splunk" || driver == "awsfirelens") return true;
    return task.ec2 && (driver == "fluentd" || driver == "gelf" || driver == "journald" || driver == "syslog");
}

// Of docker's driver ECS takes some options and wants others.
Document awslogs_options(const Layout& plan, const Service& service) {
    constexpr std::string_view known[] = {"awslogs-create-group",
                                          "awslogs-region",
                                          "awslogs-group",
                                          "awslogs-stream-prefix",
                                          "awslogs-datetime-format",
                                          "awslogs-multiline-pattern",
                                          "mode",
                                          "max-buffer-size"};
    Document out = Document::object();
    for (const auto& [key, value] : service.logging->options)
        if (std::find(std::begin(known), std::end(known), key) != std::end(known)) out[key] = value;
        else
            plan.scope.report.dropped(key_path(service, "logging.options." + key),
                                      "the driver awslogs of ECS has no such option");
    for (const auto& [key, value] : {std::pair("awslogs-group", plan.log_group),
                                     {"awslogs-region", word("REGION")},
                                     {"awslogs-stream-prefix", plan.labels.at(service.name)}})
        if (!out.contains(key)) out[key] = value;
    const std::string group = out["awslogs-group"].get<std::string>();
    if (group != plan.log_group || out.contains("awslogs-create-group"))
        plan.scope.report.needs(
            key_path(service, "logging.options.awslogs-group"),
            fmt::format("the log group {} has to be there: the usual execution role may not make it", group),
            "aws logs create-log-group, or x-aws-execution_role with logs:CreateLogGroup");
    return out;
}

} // namespace

void add_logging(const Layout& plan, const Task& task, const Service& service, Document& out) {
    const std::string driver = service.logging ? service.logging->driver : "";
    Document log = Document::object();
    if (has_driver(task, driver)) {
        log["logDriver"] = driver;
        Document options = Document::object();
        for (const auto& [key, value] : service.logging->options) options[key] = value;
        log["options"] = driver == "awslogs" ? awslogs_options(plan, service) : options;
        plan.scope.report.exact(key_path(service, "logging"), "");
    } else {
        log["logDriver"] = "awslogs";
        log["options"] = {{"awslogs-group", plan.log_group},
                          {"awslogs-region", word("REGION")},
                          {"awslogs-stream-prefix", plan.labels.at(service.name)}};
        if (!driver.empty())
            plan.scope.report.adjusted(key_path(service, "logging"), "awslogs",
                                       driver + " is of one machine; its options go with it");
    }
    out["logConfiguration"] = log;
}

} // namespace davit::exports::ecs
