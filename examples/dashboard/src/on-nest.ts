import 'reflect-metadata';
import type { Dashboard } from '@brokkr/dashboard';
import { Controller, Get, type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

@Controller()
class ShopController {
  @Get()
  shop(): string {
    return 'the shop';
  }
}

@Module({ controllers: [ShopController] })
class ShopModule {}

/**
 * A Nest application with the dashboard. A global prefix, guards and pipes do not apply to it: `access` decides who may
 * use it.
 */
export async function onNest(dashboard: Dashboard): Promise<INestApplication> {
  const app = await NestFactory.create(ShopModule, { logger: ['error'] });
  app.use('/admin/tasks', dashboard.node);
  return app;
}
