/* SPDX-License-Identifier: MIT */
/* Settings of a profile, with the variables that go before them. */
#include "awsconf.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *variable[2];
} variables[] = {
	{ "region", { "AWS_REGION", "AWS_DEFAULT_REGION" } },
	{ "ca_bundle", { "AWS_CA_BUNDLE", NULL } },
	{ "max_attempts", { "AWS_MAX_ATTEMPTS", NULL } },
	{ "retry_mode", { "AWS_RETRY_MODE", NULL } },
	{ "use_fips_endpoint", { "AWS_USE_FIPS_ENDPOINT", NULL } },
	{ "use_dualstack_endpoint", { "AWS_USE_DUALSTACK_ENDPOINT", NULL } },
	{ "request_checksum_calculation", { "AWS_REQUEST_CHECKSUM_CALCULATION", NULL } },
	{ "response_checksum_validation", { "AWS_RESPONSE_CHECKSUM_VALIDATION", NULL } },
	{ "ignore_configured_endpoint_urls", { "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", NULL } },
	{ "ec2_metadata_service_endpoint", { "AWS_EC2_METADATA_SERVICE_ENDPOINT", NULL } },
	{ "ec2_metadata_service_endpoint_mode", { "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", NULL } },
	{ "metadata_service_timeout", { "AWS_METADATA_SERVICE_TIMEOUT", NULL } },
	{ "metadata_service_num_attempts", { "AWS_METADATA_SERVICE_NUM_ATTEMPTS", NULL } },
};

const char *aws_setting(const struct awsconf *c, const char *profile, const char *name)
{
	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables); i++)
		for (int k = 0; k < 2 && variables[i].variable[k] && !strcmp(name, variables[i].name); k++)
			if (aws_env(variables[i].variable[k]))
				return aws_env(variables[i].variable[k]);
	return c ? awsconf_profile(c, profile, name) : NULL;
}

int aws_is_true(const char *value)
{
	return value && !strcasecmp(value, "true");
}

const char *aws_endpoint(const struct awsconf *c, const char *profile, const char *service)
{
	char variable[64], nested[64];
	const char *url, *services;

	if (aws_is_true(aws_setting(c, profile, "ignore_configured_endpoint_urls")))
		return NULL;
	snprintf(variable, sizeof(variable), "AWS_ENDPOINT_URL_%s", service);
	snprintf(nested, sizeof(nested), "%s.endpoint_url", service);
	for (char *p = variable; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	url = aws_env(variable);
	if (!url)
		url = aws_env("AWS_ENDPOINT_URL");
	services = c && !url ? awsconf_profile(c, profile, "services") : NULL;
	if (services)
		url = awsconf_get(c, AWSCONF_SERVICES, services, nested);
	return url || !c ? url : awsconf_profile(c, profile, "endpoint_url");
}
